"""Which share of the requests the view puts into the judge's queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_processors.dictionaries import JUDGE_RATE

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def set_rate(client: Client, rate: float) -> bool:
    """Make a rate hold for the spans that are stored from now on.

    Args:
        client: of the store.
        rate: share of requests, 0 to 1. Those judged at a lower rate are among those judged at a higher one.

    Returns:
        whether it was another one before.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    rows = client.query("SELECT rate FROM judge_rates FINAL WHERE scope = ''").result_rows
    changed = not rows or float(rows[0][0]) != rate
    if changed:
        client.insert("judge_rates", [["", rate]], column_names=["scope", "rate"])
    # Also unchanged: who died between insert and reload has left the dictionary behind the table.
    JUDGE_RATE.reload(client)
    return changed
