"""What a call costs: prices of models, written where the views that price spans look them up.

``book`` says what a price is; ``genai`` and ``file`` know prices, ``source`` which of them are in force;
``table`` keeps ``model_prices`` and its dictionaries up to date; ``corrections`` prices what came too early.
"""

from __future__ import annotations

from driftline_processors.prices.book import Period, PriceBook, Quote, Tier
from driftline_processors.prices.corrections import backfill
from driftline_processors.prices.genai import GenaiPriceBook
from driftline_processors.prices.source import price_book
from driftline_processors.prices.table import Resolved, preload, resolve_unseen

__all__ = [
    "GenaiPriceBook",
    "Period",
    "PriceBook",
    "Quote",
    "Resolved",
    "Tier",
    "backfill",
    "preload",
    "price_book",
    "resolve_unseen",
]
