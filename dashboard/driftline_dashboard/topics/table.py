"""The pages about one thing each, as a table: what their numbers, columns and charts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_dashboard.places import COST, ERRORS, LATENCY, QUALITY
from driftline_dashboard.topics import cost, errors, latency, quality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from driftline_dashboard.data import Glance
    from driftline_dashboard.places import Place
    from driftline_dashboard.view import View

    Section = Callable[[View, datetime, Glance], None]


@dataclass(frozen=True)
class Topic:
    """One row of the table.

    Attributes:
        place: the page.
        tiles: metrics at the top.
        columns: metrics of the table by segment, which can be charted too.
        charts: draws what stands between the numbers and the segments.
        details: draws what stands below the segments.
        split: dimension by which it is split first.
        more: HTML of tiles that are no metrics; they stand after the first one.
    """

    place: Place
    tiles: tuple[str, ...]
    columns: tuple[str, ...]
    charts: Section
    details: Section
    split: str = "prompt_version"
    more: Callable[[View, datetime], Sequence[str]] = lambda _view, _as_of: ()


TOPICS: Final = (
    Topic(
        QUALITY,
        tiles=quality.TILES,
        columns=("quality", "judged_share", "satisfaction", "failed_check_rate", "report_rate"),
        charts=quality.charts,
        details=quality.details,
        more=quality.more,
    ),
    Topic(
        LATENCY,
        tiles=latency.TILES,
        columns=("latency_p95", "latency_p50", "latency_p99", "time_to_first_token_p95", "output_length_p50"),
        charts=latency.charts,
        details=latency.details,
        split="feature",
    ),
    Topic(
        COST,
        tiles=cost.TILES,
        columns=(
            "spend", "cost_per_request", "cost_per_session", "cost_per_call_p95", "input_tokens", "output_tokens",
            "unpriced_calls",
        ),
        charts=cost.charts,
        details=cost.details,
        split="feature",
    ),
    Topic(
        ERRORS,
        tiles=errors.TILES,
        columns=(
            "error_rate", "timeout_rate", "rate_limit_rate", "server_error_rate", "content_block_rate",
            "call_error_rate", "fallback_rate", "retry_rate", "guardrail_block_rate",
        ),
        charts=errors.charts,
        details=errors.details,
        split="feature",
    ),
)  # fmt: skip
