"""What the application did about a request: totals over the spans of its trace.

They stand on any of its spans, which need be neither calls nor the request, so that a view, which sees a span without
its relatives, could count spans but not requests. And each sum in a view is planned again with every insert, whereas
this is done once for many requests (docs/decisions/0014).
"""

from __future__ import annotations

from typing import Final

from driftline_processors.views.sums import Sum

UNSURE: Final = 0.5
"""Confidence below which a router's decision counts as unsure."""

_ROUTED: Final = "ifNull(span.route_confidence BETWEEN 0 AND 1, false)"


def _any(condition: str) -> str:
    return f"toInt64(countIf({condition}) > 0)"


DECISIONS: Final = {
    "retried": _any("span.retries > 0"),
    "repaired": _any("span.repairs > 0"),
    "blocked": _any("span.guardrail_decision = 'block'"),
    "cache_lookups": "toInt64(countIf(span.cache_hit IS NOT NULL))",
    "cache_hits": "toInt64(countIf(span.cache_hit))",
    "routes": f"toInt64(countIf({_ROUTED}))",
    "unsure_routes": f"toInt64(countIf({_ROUTED} AND span.route_confidence < {UNSURE}))",
    "confidence": f"sumIf(ifNull(span.route_confidence, 0), {_ROUTED})",
}
"""Column of ``llm_traces`` and of the sums, and the aggregate over the spans of a trace."""


def decision_sum(column: str) -> Sum:
    """The sum of a column of ``llm_traces`` over its changes: every row has exactly one that enters the histogram."""
    kind = "toFloat64" if column == "confidence" else "toInt64"
    by_event, by_arrival = (f"{kind}(sumIf(trace.{column}, {sign} > 0))" for sign in ("priced", "came"))
    return Sum(column, by_event, by_arrival=by_arrival)
