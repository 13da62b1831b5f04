"""What the application did about a request, as it says so itself on any span of it."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.field import Field
from driftline_processors.conventions.parsed import Either
from driftline_processors.conventions.sources import Attr, Kind

DECISION_FIELDS: Final[tuple[Field, ...]] = (
    # Whoever waited for the answer went away: from a stream before its end, or from the whole call.
    Field("abandoned", Kind.TEXT, (Either("driftline.stream.abandoned", "driftline.cancelled"),)),
    Field("retries", Kind.UINT, (Attr("driftline.retries"),)),
    Field("repairs", Kind.UINT, (Attr("driftline.repairs"),)),
    Field("cache_hit", Kind.BOOL, (Attr("driftline.cache.hit"),)),
    Field("guardrail_name", Kind.TEXT, (Attr("driftline.guardrail.name"),)),
    Field("guardrail_decision", Kind.TEXT, (Attr("driftline.guardrail.decision"),)),
    Field("route_name", Kind.TEXT, (Attr("driftline.route.name"),)),
    Field("route_choice", Kind.TEXT, (Attr("driftline.route.choice"),)),
    Field("route_confidence", Kind.FLOAT, (Attr("driftline.route.confidence"),)),
)
