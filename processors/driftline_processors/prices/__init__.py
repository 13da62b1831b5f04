"""What a call costs: list prices of models, written where the views that price spans look them up.

``book`` knows prices; ``table`` keeps ``model_prices`` and its dictionary up to date with it.
"""

from __future__ import annotations

from driftline_processors.prices.book import PriceBook, Quote, Tier
from driftline_processors.prices.genai import GenaiPriceBook
from driftline_processors.prices.table import Resolved, preload, resolve_unseen

__all__ = ["GenaiPriceBook", "PriceBook", "Quote", "Resolved", "Tier", "preload", "resolve_unseen"]
