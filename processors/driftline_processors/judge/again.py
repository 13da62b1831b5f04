"""Judges history once more, by what the evaluator is now; the new scores stand beside the old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_store.client import ONE_BLOCK, store_errors
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

_SEGMENT: Final = ", ".join(DIMENSIONS)

_CHOSEN: Final = """\
FROM evaluations
WHERE source = 'judge' AND name = {name:String} AND run = '' AND unit != 'anchor'
    AND request_start >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    AND request_start < fromUnixTimestamp64Milli({until:Int64}, 'UTC')"""

# The same units with the same probabilities, so that old and new scores can be compared one by one.
_QUEUE: Final = f"""\
INSERT INTO judge_queue (
    trace_id, span_id, queued_at, request_start, {_SEGMENT}, evaluator, unit, unit_id, run,
    inclusion_probability, uniform_probability, tier
)
SELECT trace_id, span_id, now64(3, 'UTC'), request_start, {_SEGMENT}, name, unit, unit_id, {{run:String}},
    inclusion_probability, uniform_probability, tier
{_CHOSEN}
ORDER BY unit_id"""


def judge_again(client: Client, name: str, *, since: datetime, until: datetime, run: str) -> int:
    """Queue what an evaluator has judged in a time; gives how much that is.

    Args:
        client: of the store.
        name: of the evaluator.
        since: start of the requests, inclusive.
        until: exclusive.
        run: names the scores; a repeat with the same one adds nothing.

    Raises:
        StoreError: the store failed a statement.
    """
    parameters = {
        "name": name,
        "run": run,
        "since": int(since.timestamp() * 1000),
        "until": int(until.timestamp() * 1000),
    }
    with store_errors("queueing what is judged again"):
        [[found]] = client.query(f"SELECT count() {_CHOSEN}", parameters).result_rows
        queued = "SELECT count() FROM judge_queue WHERE evaluator = {name:String} AND run = {run:String}"
        if found and client.query(queued, parameters).result_rows == [(0,)]:
            client.command(_QUEUE, parameters=parameters, settings=ONE_BLOCK)
    return int(found)
