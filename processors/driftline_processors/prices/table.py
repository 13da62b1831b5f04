"""Keeps ``model_prices`` and its dictionary up to date with a price book.

Spans are priced as they stream in. Those stored before their model's price was known stay unpriced (NULL,
never 0) and are counted as such; filling them in afterwards is not done yet.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from driftline_processors.dictionaries import PRICES
from driftline_processors.prices.book import NO_LIMIT, Quote, Tier
from driftline_processors.prices.genai import GenaiPriceBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clickhouse_connect.driver.client import Client

    from driftline_processors.prices.book import PriceBook

logger = logging.getLogger(__name__)

_COLUMNS: Final = (
    "provider",
    "model",
    "from_tokens",
    "to_tokens",
    "known",
    "input",
    "cache_read",
    "cache_write",
    "output",
    "version",
)
Row = tuple[str, str, int, int, bool, Decimal, Decimal, Decimal, Decimal, str]
"""Values of ``_COLUMNS``."""

_UNSEEN: Final = """\
SELECT DISTINCT provider, model FROM unpriced_models
WHERE (provider, model) NOT IN (SELECT provider, model FROM model_prices)"""


@dataclass(frozen=True, slots=True)
class Resolved:
    """How many pairs of provider and model were looked up, with and without success."""

    known: int = 0
    unknown: int = 0


@cache
def _default_book() -> PriceBook:
    return GenaiPriceBook()


def preload(client: Client, book: PriceBook | None = None) -> int:
    """Bring the stored prices to the book's present state, before spans are priced by them.

    Writes what differs: the common models, and those seen earlier whose price the book has learned or
    changed. So it changes nothing when repeated, and is cheap enough (measured 0.15 s) to be called now and
    then in order to follow prices that change on a date or by the hour.

    Returns:
        number of rows written.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    book = book or _default_book()
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
    # Also without rows: a process that died between insert and reload leaves the dictionary behind the table.
    PRICES.reload(client)
    return len(rows)


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
    book = book or _default_book()
    quotes = {pair: book.quote(*pair) for pair in pairs}
    _write(client, [row for pair, quote in quotes.items() for row in _rows(pair, quote)])
    PRICES.reload(client)
    for (provider, model), quote in quotes.items():
        _report(provider, model, quote)
    known = sum(quote.known for quote in quotes.values())
    return Resolved(known, len(quotes) - known)


def _report(provider: str, model: str, quote: Quote) -> None:
    if not quote.known:
        logger.warning("no price is known for model %r of provider %r: its calls have no cost", model, provider)
    elif quote.left_out:
        logger.info("price of model %r of provider %r leaves out: %s", model, provider, ", ".join(quote.left_out))


def _stored(client: Client) -> dict[tuple[str, str], dict[int, Row]]:
    found: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    for row in client.query(f"SELECT {', '.join(_COLUMNS)} FROM model_prices FINAL").result_rows:
        found[row[0], row[1]][row[2]] = tuple(row)
    return dict(found)


def _changes(pair: tuple[str, str], quote: Quote, stored: dict[int, Row]) -> Iterator[Row]:
    """Rows that turn what is stored of a pair into the quote."""
    wanted = {row[2]: row for row in _rows(pair, quote)}
    yield from (row for start, row in wanted.items() if stored.get(start) != row)
    # A row replaces the one with its key only: the start of a tier that is gone has to be made void, once.
    gone = (row for start, row in stored.items() if start not in wanted and row[4])
    yield from (_unknown(pair, start, quote.version) for start in (row[2] for row in gone))


def _rows(pair: tuple[str, str], quote: Quote) -> Iterable[Row]:
    if not quote.known:
        return [_unknown(pair, 0, quote.version)]
    return [_row(pair, tier, quote.version) for tier in quote.tiers]


def _row(pair: tuple[str, str], tier: Tier, version: str) -> Row:
    prices = (tier.input, tier.cache_read, tier.cache_write, tier.output)
    return (*pair, tier.from_tokens, tier.to_tokens, True, *prices, version)


def _unknown(pair: tuple[str, str], start: int, version: str) -> Row:
    nothing = Decimal(0)
    return (*pair, start, NO_LIMIT, False, nothing, nothing, nothing, nothing, version)


def _write(client: Client, rows: list[Row]) -> None:
    if rows:
        client.insert("model_prices", rows, column_names=list(_COLUMNS))
