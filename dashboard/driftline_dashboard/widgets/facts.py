"""Short facts beside their labels, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_dashboard.text import bounded, escape
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

_MAX_FACT = 200


def facts(told: Mapping[str, str]) -> str:
    """A list of labels, which are ours, and values, which are anybody's; those without a value are left out."""
    items = "".join(
        f"<div><dt>{label}</dt><dd><bdi>{escape(bounded(value, _MAX_FACT))}</bdi></dd></div>"
        for label, value in told.items()
        if value
    )
    return f'<dl class="dl-facts">{items}</dl>'


def seconds(number: float) -> str:
    """A time as people read it."""
    return format_value(METRICS["latency_p95"], number)


def money(amount: Decimal | None) -> str:
    """USD; a price that is not known is no 0."""
    return "unknown" if amount is None else format_value(METRICS["spend"], float(amount))


def tokens(asked: int | None, answered: int | None) -> str:
    """Tokens in and out; '' where none were sent."""
    return f"{asked or 0:,} in, {answered or 0:,} out" if asked or answered else ""
