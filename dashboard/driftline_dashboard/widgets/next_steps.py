"""What to do about a metric that has no data because something has to say it first: the application, or a setting."""

from __future__ import annotations

from typing import Final

_PRICED: Final = "no calls with a known price; driftline prices says which lack one"

NEXT_STEPS: Final = {
    "satisfaction": "no ratings; call driftline.feedback() with thumbs_up or stars",
    "success_rate": "no outcomes; call driftline.outcome() with success",
    "route_confidence": "no routing decisions; call driftline.routed() with a confidence",
    "unsure_route_rate": "no routing decisions; call driftline.routed() with a confidence",
    "cache_hit_rate": "no look-ups; call driftline.cached()",
    "failed_check_rate": "no rule looks at these answers; add one with driftline checks set",
    "quality": "no scores; a judge needs DRIFTLINE_JUDGE_API_KEY and sees the share judge_rate",
    "time_to_first_token_p95": "no streamed calls; ask for stream=True, or put @driftline.observe on a generator",
    "spend": _PRICED,
    "cost_per_request": _PRICED,
    "cost_per_call_p95": _PRICED,
    "cost_per_session": "no sessions; put driftline.session() around the calls",
}
"""By metric, as plain text; the others need nothing but requests."""
