"""The stream processing itself: materialized views from raw OTLP to rows, rollups and the judge's queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_processors.views.collectors import COLLECTOR_VIEWS
from driftline_processors.views.evaluations import EVALUATION_VIEWS
from driftline_processors.views.prices import PRICE_VIEWS
from driftline_processors.views.rollups import ROLLUP_VIEWS
from driftline_processors.views.sampling import SAMPLING_VIEWS
from driftline_processors.views.spans import SPAN_VIEWS

if TYPE_CHECKING:
    from driftline_processors.views.view import View

VIEWS: tuple[View, ...] = (
    *ROLLUP_VIEWS,
    *SAMPLING_VIEWS,
    *PRICE_VIEWS,
    *SPAN_VIEWS,
    *EVALUATION_VIEWS,
    *COLLECTOR_VIEWS,
)
"""All views, downstream ones first, so that no row can pass before its successors stand."""
