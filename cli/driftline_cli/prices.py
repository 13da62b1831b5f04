"""``driftline prices``: by which prices calls are priced, and which calls are not."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

from driftline_processors import prices
from driftline_processors.dictionaries import price_key_sql
from driftline_processors.prices.unpriced import unpriced
from driftline_store.client import connect, store_errors

if TYPE_CHECKING:
    from driftline.settings import Settings

_NOW: Final = price_key_sql("provider", "model", "now64(6, 'UTC')")
_RATES: Final = ", ".join(
    f"if(is_known, dictGet('prices', '{name}', key, toUInt64(0)), NULL)"
    for name in ("input", "cache_read", "cache_write", "output")
)

_PRICED: Final = f"""\
SELECT provider, model, version, calls, {_RATES}
FROM (
    SELECT toString(provider) AS provider, toString(model) AS model, price_version AS version, sum(n) AS calls,
        {_NOW} AS key, dictHas('prices', key, toUInt64(0)) AS is_known
    FROM (
        SELECT provider, model, price_version, count() AS n FROM llm_spans
        WHERE is_call AND price_version != '' AND start >= now() - toIntervalDay({{days:UInt32}})
        GROUP BY provider, model, price_version
        UNION ALL
        SELECT provider, model, price_version, count() AS n FROM cost_corrections
        WHERE start >= now() - toIntervalDay({{days:UInt32}})
        GROUP BY provider, model, price_version
    )
    GROUP BY provider, model, version
)
ORDER BY calls DESC, provider, model, version"""


def show(settings: Settings, days: int) -> None:
    """Print the models of the calls of the last days, with and without a price.

    Raises:
        DriftlineError: the store cannot be reached or fails.
    """
    client = connect(settings)
    try:
        with store_errors("reading the prices"):
            priced = client.query(_PRICED, parameters={"days": days}).result_rows
        without = unpriced(client, days)
    finally:
        client.close()
    rows = [(one.provider, one.model, one.calls, f"{one.last_seen:%Y-%m-%d %H:%M:%S}") for one in without]
    rates = ("input", "cache read", "cache write", "output")
    _print("Priced calls; USD per million tokens now", ("provider", "model", "price", "calls", *rates), priced)
    _print("Calls without a known price", ("provider", "model", "calls", "last seen (UTC)"), rows)


def _print(title: str, columns: tuple[str, ...], rows: Any) -> None:
    table = Table(*columns, title=title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*map(_cell, row))
    Console().print(table if rows else f"{title}: none")


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return f"{value:,}" if isinstance(value, int) else str("" if value is None else value)


def reload(settings: Settings) -> None:
    """Bring the store's prices to those in force, and price what came before; ingest does it each minute too.

    Raises:
        DriftlineError: the price file is wrong, or the store cannot be reached or fails.
    """
    book = prices.price_book(settings)
    client = connect(settings)
    try:
        with store_errors("writing the prices"):
            changed = prices.preload(client, book)
            corrected = prices.backfill(client, settings)
    finally:
        client.close()
    Console().print(
        f"{changed:,} prices have changed; {corrected:,} calls that had no cost have one now ({book.version})"
    )
