"""What the judges have spent, by what is stored, and who may spend no more."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.plan import Sampled

# Of the partition of this month. What was taken over from an earlier score has cost nothing.
_SPENT: Final = """\
SELECT name, sumIf(ifNull(cost, 0), at >= toStartOfDay(now('UTC'))), sum(ifNull(cost, 0)) FROM evaluations
WHERE source = 'judge' AND at >= toStartOfMonth(now('UTC'))
GROUP BY name"""


@dataclass(frozen=True, slots=True)
class Spent:
    """USD of judgements that are stored, in this day and this month of UTC; of calls with a known price."""

    day: Decimal = Decimal(0)
    month: Decimal = Decimal(0)


NOTHING: Final = Spent()


def spent(client: Client) -> dict[str, Spent]:
    """What each evaluator has spent.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed the query.
    """
    return {str(name): Spent(day, month) for name, day, month in client.query(_SPENT).result_rows}


def exhausted(one: Sampled, so_far: Spent) -> str:
    """Why an evaluator pauses, in words; '' while it may spend."""
    if one.per_month is not None and so_far.month >= one.per_month:
        return f"its {one.per_month} USD for this month are spent; it goes on with the next month (UTC)"
    if one.per_day is not None and so_far.day >= one.per_day:
        return f"its {one.per_day} USD for today are spent; it goes on tomorrow (UTC)"
    return ""
