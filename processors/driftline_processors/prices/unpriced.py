"""Models of calls whose price nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_store.client import store_errors

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_store.client import Client

_QUERY: Final = """\
SELECT provider, model, count() AS calls, max(arrived)
FROM unpriced_calls
WHERE start >= now() - toIntervalDay({days:UInt32}) AND (trace_id, span_id) NOT IN (
    SELECT trace_id, span_id FROM cost_corrections WHERE start >= now() - toIntervalDay({days:UInt32})
)
GROUP BY provider, model
ORDER BY calls DESC, provider, model"""


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A model, and how many of its calls have no cost."""

    provider: str
    model: str
    calls: int
    last_seen: datetime


def unpriced(client: Client, days: int) -> list[Unpriced]:
    """Models of calls of the last days that still have no cost, those with most calls first.

    Raises:
        StoreError: the store cannot be read.
    """
    with store_errors("reading which calls have no price"):
        return [Unpriced(*row) for row in client.query(_QUERY, parameters={"days": days}).result_rows]
