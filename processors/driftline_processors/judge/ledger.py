"""What the judges have spent, by what is stored, and who may spend no more."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clickhouse_connect.driver.client import Client

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


def exhausted(per_day: Decimal | None, per_month: Decimal | None, so_far: Spent) -> str:
    """Why no more may be spent, in words; '' while some may.

    Args:
        per_day: USD in a day of UTC; None without a limit.
        per_month: likewise.
        so_far: what is spent.
    """
    if per_month is not None and so_far.month >= per_month:
        return f"{per_month} USD for this month are spent; it goes on with the next month (UTC)"
    if per_day is not None and so_far.day >= per_day:
        return f"{per_day} USD for today are spent; it goes on tomorrow (UTC)"
    return ""


def together(so_far: Mapping[str, Spent]) -> Spent:
    """What all evaluators have spent."""
    return Spent(
        sum((one.day for one in so_far.values()), Decimal(0)), sum((one.month for one in so_far.values()), Decimal(0))
    )
