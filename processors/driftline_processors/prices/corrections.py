"""Prices calls that came before the price of their model was known.

What it finds goes to ``cost_corrections``, from where views add it to the sums. Each call is in there at
most once, whatever dies in between and whoever else does the same:

* Calls are corrected in batches, numbered within their month. The number names the batch to the engine's
  deduplication, and is taken before the calls without a correction are read. So of two writers with the
  same view of things only one can write; what the other had read stays uncorrected and is read again.
* The store may die after the batch is stored and before the views have passed it on. Therefore the newest
  batches that nobody has seen completed are sent again, as they are, before anything else: the engine
  leaves out what it has.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from driftline_processors.dictionaries import price_key_sql
from driftline_processors.prices.source import price_book
from driftline_processors.prices.table import follow, reload, resolve_unseen
from driftline_store.client import ONE_BLOCK
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings

logger = logging.getLogger(__name__)

MOST_ROWS: Final = 50_000
"""Corrections in one batch: some 10 MB on their way through this process."""

_DUE: Final = """\
SELECT provider, model, calls, priced_at,
    if(used = priced_at, before.at - INTERVAL 1 HOUR, toDateTime64(0, 3, 'UTC')) AS since
FROM (
    SELECT provider, model, sum(unpriced_models.calls) AS calls FROM unpriced_models GROUP BY provider, model
) AS waiting
INNER JOIN (
    SELECT provider, model, max(set_at) AS priced_at FROM model_prices FINAL
    GROUP BY provider, model HAVING max(known)
) AS priced USING (provider, model)
LEFT JOIN (
    SELECT provider, model, calls AS seen, priced_at AS used, at FROM price_backfills FINAL
) AS before USING (provider, model)
WHERE calls != seen OR priced_at != used
ORDER BY provider, model"""
"""Models with a price whose unpriced calls or whose prices are others than at the last time.

Where only calls have come, those of an hour before that time are looked at again: an insert can take as long.
A call is in ``unpriced_calls`` before it is counted in ``unpriced_models``, as the engine follows the views.
"""

_HOURS: Final = """\
SELECT toStartOfHour(start) AS hour, count() FROM unpriced_calls
WHERE provider = {provider:String} AND model = {model:String}
    AND arrived >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
GROUP BY hour ORDER BY hour"""

_COLUMNS: Final = (
    *("trace_id", "span_id", "start", *DIMENSIONS),
    *("provider", "session_id", "is_error", "cost", "price_version", "batch", "at"),
)
_LISTED: Final = ", ".join(_COLUMNS)


_SINCE: Final = "fromUnixTimestamp64Micro({since:Int64}, 'UTC')"
_FROM: Final = "fromUnixTimestamp64Micro({from:Int64}, 'UTC')"
_UNTIL: Final = "fromUnixTimestamp64Micro({until:Int64}, 'UTC')"


def _rate(name: str) -> str:
    return f"dictGetOrDefault('prices', '{name}', price_key, billed_input, toDecimal64(0, 6))"


_PER_MILLION: Final = (
    f"toDecimal128(billed_input - cached - written, 0) * {_rate('input')} "
    f"+ toDecimal128(cached, 0) * {_rate('cache_read')} + toDecimal128(written, 0) * {_rate('cache_write')} "
    f"+ toDecimal128(ifNull(output_tokens, 0), 0) * {_rate('output')}"
)
"""The formula of the span view; a test holds that both give the same cost."""

_PRICED: Final = f"""\
SELECT {_LISTED.replace("batch, at", "{batch:UInt64} AS batch, now64(3, 'UTC') AS at")}
FROM (
    SELECT *,
        ifNull(cache_read_tokens, 0) AS cached, ifNull(cache_write_tokens, 0) AS written,
        greatest(ifNull(input_tokens, 0), cached + written) AS billed_input,
        {price_key_sql("provider", "model", "start")} AS price_key,
        dictGetOrDefault('prices', 'version', price_key, billed_input, '') AS price_version,
        accurateCastOrNull(toDecimal128({_PER_MILLION}, 12) / 1000000, 'Decimal(18, 12)') AS maybe_cost,
        assumeNotNull(maybe_cost) AS cost
    FROM unpriced_calls
    WHERE provider = {{provider:String}} AND model = {{model:String}} AND arrived >= {_SINCE}
        AND start >= {_FROM} AND start < {_UNTIL}
        AND (input_tokens IS NOT NULL OR output_tokens IS NOT NULL)
        AND (trace_id, span_id) NOT IN (
            SELECT trace_id, span_id FROM cost_corrections
            WHERE start >= {_FROM} AND start < {_UNTIL}
        )
)
WHERE price_version != '' AND maybe_cost IS NOT NULL
LIMIT 1 BY trace_id, span_id
LIMIT {{most:UInt64}}"""

_NUMBER: Final = "SELECT max(batch) FROM cost_corrections WHERE toYYYYMM(start) = {month:UInt32}"

_UNCONFIRMED: Final = """\
SELECT toYYYYMM(start) AS month, max(batch) FROM cost_corrections
WHERE at >= (SELECT max(at) FROM price_backfills)
GROUP BY month"""

_BATCH: Final = f"""\
SELECT {_LISTED} FROM cost_corrections
WHERE toYYYYMM(start) = {{month:UInt32}} AND batch = {{batch:UInt64}}"""

_SIZE: Final = "SELECT count() FROM cost_corrections WHERE toYYYYMM(start) = {month:UInt32} AND batch = {batch:UInt64}"

_SETTINGS: Final[dict[str, Any]] = {
    **ONE_BLOCK,
    "async_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}


@dataclass(frozen=True)
class _Due:
    """A model with unpriced calls that may have a price now: one row of ``_DUE``."""

    provider: str
    model: str
    calls: int
    priced_at: datetime
    since: datetime


def backfill(client: Client, settings: Settings) -> int:
    """Bring prices to the present state of their sources, and price the calls that came before.

    Meant to be called about once a minute: three small queries (measured 10 ms) when there is nothing to do.

    Returns:
        number of calls that have a cost now.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement; call again.
        SettingsError: the price file cannot be used, and never could since this process started.
    """
    book = price_book(settings)
    follow(client, book)
    resolve_unseen(client, book)
    due = [_Due(*row) for row in client.query(_DUE).result_rows]
    if not due:
        return 0
    # Another process may have written prices and died before it reloaded.
    reload(client)
    _complete(client)
    corrected = sum(_fill(client, one) for one in due)
    if corrected:
        logger.info("%d calls of %d models that had no price when they came are priced now", corrected, len(due))
    return corrected


def _complete(client: Client) -> None:
    for month, number in client.query(_UNCONFIRMED).result_rows:
        rows = client.raw_query(_BATCH, parameters={"month": month, "batch": number}, fmt="RowBinary")
        _insert(client, month, number, rows)


def _fill(client: Client, due: _Due) -> int:
    of_model = {"provider": due.provider, "model": due.model, "since": _micros(due.since)}
    hours = client.query(_HOURS, parameters=of_model).result_rows
    corrected = 0
    for begin, end in _slices(hours):
        of_slice = of_model | {"from": _micros(begin), "until": _micros(end)}
        found = _fill_slice(client, of_slice, begin.year * 100 + begin.month)
        if found is None:
            return corrected
        corrected += found
    client.insert(
        "price_backfills",
        [[due.provider, due.model, due.calls, due.priced_at]],
        column_names=["provider", "model", "calls", "priced_at"],
    )
    return corrected


def _fill_slice(client: Client, of_slice: dict[str, Any], month: int) -> int | None:
    """Correct until nothing is left; None if that cannot be said."""
    corrected = tried = 0
    while True:
        number = client.query(_NUMBER, parameters={"month": month}).result_rows[0][0] + 1
        rows = client.raw_query(_PRICED, parameters=of_slice | {"batch": number, "most": MOST_ROWS}, fmt="RowBinary")
        if not rows:
            return corrected
        if number == tried:
            logger.warning("batch %d of the cost corrections of %d was not stored; trying again later", number, month)
            return None
        _insert(client, month, number, rows)
        tried = number
        corrected += client.query(_SIZE, parameters={"month": month, "batch": number}).result_rows[0][0]


def _insert(client: Client, month: int, number: int, rows: bytes) -> None:
    client.raw_insert(
        "cost_corrections",
        column_names=_COLUMNS,
        insert_block=rows,
        fmt="RowBinary",
        settings={**_SETTINGS, "insert_deduplication_token": f"cost_corrections/{month}/{number}"},
    )


def _slices(hours: Iterable[Sequence[Any]]) -> Iterator[tuple[datetime, datetime]]:
    """Ranges of whole hours within one month, of about ``MOST_ROWS`` calls; ``hours`` are rows of ``_HOURS``."""
    begin = end = None
    size = 0
    for hour, calls in hours:
        if begin and end and (size + calls > MOST_ROWS or hour.month != begin.month or hour.year != begin.year):
            yield begin, end
            begin, size = None, 0
        begin, end, size = begin or hour, hour + timedelta(hours=1), size + calls
    if begin and end:
        yield begin, end


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
