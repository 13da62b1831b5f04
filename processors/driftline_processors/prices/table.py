"""Keeps ``model_prices`` and its dictionaries up to date with a price book.

Spans are priced as they stream in. Those stored before their model's price was known are NULL, never 0,
and are priced afterwards by ``backfill``.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from driftline_processors.dictionaries import PRICE_DICTIONARIES
from driftline_processors.prices.book import EVER, FOREVER, LAST_MINUTE, NO_LIMIT, Period, Quote, Tier
from driftline_processors.prices.genai import GenaiPriceBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from clickhouse_connect.driver.client import Client

    from driftline_processors.prices.book import PriceBook

logger = logging.getLogger(__name__)


class Row(NamedTuple):
    """One row of ``model_prices``, but for its time."""

    provider: str
    model: str
    valid_from: date
    valid_to: date
    from_minute: int
    to_minute: int
    from_tokens: int
    to_tokens: int
    known: bool
    input: Decimal
    cache_read: Decimal
    cache_write: Decimal
    output: Decimal
    version: str

    @property
    def place(self) -> tuple[date, int, int]:
        """Which of its model's prices it is; a row replaces the one with the same place."""
        return self.valid_from, self.from_minute, self.from_tokens


_UNSEEN: Final = """\
SELECT DISTINCT provider, model FROM unpriced_models
WHERE (provider, model) NOT IN (SELECT provider, model FROM model_prices)"""

_STORED: Final = f"SELECT {', '.join(Row._fields)} FROM model_prices FINAL"

_LOADED: Final = "SELECT argMax(version, at) FROM price_loads"


@dataclass(frozen=True, slots=True)
class Resolved:
    """How many pairs of provider and model were looked up, with and without success."""

    known: int = 0
    unknown: int = 0


@cache
def default_book() -> GenaiPriceBook:
    """The prices that everybody has."""
    return GenaiPriceBook()


def preload(client: Client, book: PriceBook | None = None) -> int:
    """Bring the stored prices to what the book says, before spans are priced by them.

    Writes what differs: the common models, and those seen earlier whose price the book has learned or
    changed. So it changes nothing when repeated (measured 0.3 s).

    Returns:
        number of rows written.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    book = book or default_book()
    stored = _stored(client)
    wanted = {pair: book.quote(*pair) for pair in dict.fromkeys((*book.common(), *stored))}
    rows = [
        row
        for pair, quote in wanted.items()
        # A common name without a price (a model sold by the image) is nothing that anyone asked for.
        if quote.known or pair in stored
        for row in _changes(pair, quote, stored.get(pair, {}))
    ]
    _write(client, rows)
    # Also without rows: a process that died between insert and reload leaves the dictionaries behind the table.
    reload(client)
    client.insert("price_loads", [[book.version]], column_names=["version"])
    return len(rows)


def follow(client: Client, book: PriceBook) -> int:
    """``preload`` if the book has changed since the last time; else one small query.

    Returns:
        number of rows written.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    loaded = client.query(_LOADED).result_rows[0][0]
    return preload(client, book) if loaded != book.version else 0


def resolve_unseen(client: Client, book: PriceBook | None = None) -> Resolved:
    """Look up models of unpriced calls that nobody has looked up yet; for the calls that come after.

    Meant to be called after each batch: one query (measured 3 ms) when there is nothing new. A pair is
    looked up once: unknown ones are written down too (``known`` = false), until ``preload`` finds them in a
    newer book. What was looked up stands in the store, so several ingest processes can do this at once.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    pairs: list[tuple[str, str]] = [(str(p), str(m)) for p, m in client.query(_UNSEEN).result_rows]
    if not pairs:
        return Resolved()
    book = book or default_book()
    quotes = {pair: book.quote(*pair) for pair in pairs}
    _write(client, [row for pair, quote in quotes.items() for row in _rows(pair, quote)])
    reload(client)
    for (provider, model), quote in quotes.items():
        _report(provider, model, quote)
    known = sum(quote.known for quote in quotes.values())
    return Resolved(known, len(quotes) - known)


def reload(client: Client) -> None:
    """Make the stored prices those by which views price.

    A call that passes between the dictionaries' changes finds no price, and is priced by ``backfill``.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    for dictionary in PRICE_DICTIONARIES:
        dictionary.reload(client)


def _report(provider: str, model: str, quote: Quote) -> None:
    if not quote.known:
        logger.warning("no price is known for model %r of provider %r: its calls have no cost", model, provider)
    elif quote.left_out:
        logger.info("price of model %r of provider %r leaves out: %s", model, provider, ", ".join(quote.left_out))


def _stored(client: Client) -> dict[tuple[str, str], dict[tuple[date, int, int], Row]]:
    found: dict[tuple[str, str], dict[tuple[date, int, int], Row]] = defaultdict(dict)
    for values in client.query(_STORED).result_rows:
        row = Row(*values)
        found[row.provider, row.model][row.place] = row
    return dict(found)


def _changes(pair: tuple[str, str], quote: Quote, stored: dict[tuple[date, int, int], Row]) -> Iterator[Row]:
    """Rows that turn what is stored of a pair into the quote."""
    wanted = {row.place: row for row in _rows(pair, quote)}
    yield from (row for place, row in wanted.items() if stored.get(place) != row)
    # A row replaces the one in its place only: a place that is gone has to be made void, once.
    gone = (row for place, row in stored.items() if place not in wanted and row.known)
    yield from (row._replace(known=False, version=quote.version) for row in gone)


def _rows(pair: tuple[str, str], quote: Quote) -> Iterable[Row]:
    if not quote.known:
        nothing = Decimal(0)
        prices = (nothing, nothing, nothing, nothing)
        return [Row(*pair, EVER, FOREVER, 0, LAST_MINUTE, 0, NO_LIMIT, False, *prices, quote.version)]
    return [_row(pair, period, tier) for period in quote.periods for tier in period.tiers]


def _row(pair: tuple[str, str], period: Period, tier: Tier) -> Row:
    days = (period.valid_from, period.valid_to)
    minutes = (period.from_minute, period.to_minute)
    tokens = (tier.from_tokens, tier.to_tokens)
    prices = (tier.input, tier.cache_read, tier.cache_write, tier.output)
    return Row(*pair, *days, *minutes, *tokens, True, *prices, period.version)


def _write(client: Client, rows: list[Row]) -> None:
    if rows:
        client.insert("model_prices", rows, column_names=list(Row._fields))
