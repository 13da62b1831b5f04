"""What a score or a person's feedback says, and about which request."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.field import Field
from driftline_processors.conventions.sources import Attr, Kind, Resource

EVALUATION_FIELDS: Final[tuple[Field, ...]] = (
    Field("evaluation", Kind.TEXT, (Attr("gen_ai.evaluation.name"),)),
    Field("source", Kind.TEXT, (Attr("driftline.evaluation.source"),)),
    Field("score", Kind.FLOAT, (Attr("gen_ai.evaluation.score.value"),)),
    Field("label", Kind.TEXT, (Attr("gen_ai.evaluation.score.label"),)),
    Field("explanation", Kind.TEXT, (Attr("gen_ai.evaluation.explanation"),)),
    Field("response_id", Kind.TEXT, (Attr("gen_ai.response.id"),)),
    Field("error", Kind.TEXT, (Attr("error.type"),)),
    Field("feature", Kind.TEXT, (Attr("driftline.feature"),)),
    Field("model", Kind.TEXT, (Attr("gen_ai.response.model", "gen_ai.request.model"),)),
    Field("prompt_name", Kind.TEXT, (Attr("gen_ai.prompt.name"),)),
    Field("prompt_version", Kind.TEXT, (Attr("gen_ai.prompt.version"),)),
    Field("variant", Kind.TEXT, (Attr("driftline.variant"),)),
    Field("request_start_nano", Kind.UINT, (Attr("driftline.request.start_time_unix_nano"),)),
    # Feedback can come from another service than the one that answered.
    Field("service", Kind.TEXT, (Attr("driftline.request.service"), Resource("service.name"))),
    Field(
        "environment",
        Kind.TEXT,
        (
            Attr("driftline.request.environment"),
            Resource("deployment.environment.name", "deployment.environment"),
        ),
    ),
)
