"""The map from semantic conventions to canonical fields: adding a convention is adding a key.

Each row is a column of ``llm_spans`` and the places where its value can stand, best first. Keys are those of
the OpenTelemetry GenAI conventions, old and new, OpenInference, OpenLLMetry (Traceloop), Langfuse, Logfire,
Pydantic AI, the Vercel AI SDK and OpenLIT. Amounts and content have modules of their own.
"""

from __future__ import annotations

import re
from typing import Final

from driftline_processors.conventions.classes import FINISH_REASONS, OPERATIONS, PROVIDERS
from driftline_processors.conventions.content_fields import SPAN_CONTENT
from driftline_processors.conventions.decision_fields import DECISION_FIELDS
from driftline_processors.conventions.field import Field, sources_of
from driftline_processors.conventions.parsed import (
    EventAttr,
    FirstItem,
    Flattened,
    Named,
    OfList,
    SpanName,
    Unquoted,
    When,
)
from driftline_processors.conventions.sources import Attr, Json, Kind, Loose, Places, Resource
from driftline_processors.conventions.usage_fields import USAGE_FIELDS

_LOGFIRE: Final = (
    ("Chat Completion with", "chat"),
    ("Responses API with", "chat"),
    ("Message with", "chat"),
    ("streaming response from", "chat"),
    ("Completion with", "text_completion"),
    ("Embedding Creation with", "embeddings"),
)
NAMES: Final = (
    ("logfire.openai", _LOGFIRE),
    ("logfire.anthropic", _LOGFIRE),
    ("pydantic-ai", (("agent run", "invoke_agent"), ("running tool", "execute_tool"))),
    # Its decorator says nothing but the function's name.
    ("openlit", (("", "invoke_workflow"),)),
    ("opentelemetry.instrumentation.openai.v1", (("openai.response", "chat"),)),
)
"""Operations of spans that name none, by instrumentation and start of the span's name."""

_OPERATION: Final = Field(
    "operation",
    Kind.TEXT,
    (
        Attr(
            "gen_ai.operation.name",
            "openinference.span.kind",
            "langfuse.observation.type",
            "traceloop.span.kind",
            "llm.request.type",
            "ai.operationId",
        ),
        SpanName(NAMES),
    ),
    words=OPERATIONS,
)

_WHAT: Final[tuple[Field, ...]] = (
    _OPERATION,
    Field("step_kind", Kind.TEXT, (Attr("driftline.span.kind"),)),
    Field("logfire_kind", Kind.TEXT, (Loose("logfire.span_type"),)),
    Field("sdk", Kind.TEXT, (Resource("telemetry.sdk.name"),)),
    Field(
        "request_model",
        Kind.TEXT,
        (
            Attr("gen_ai.request.model", "llm.request.model_name"),
            Json("llm.invocation_parameters", ("model",)),
            Json("embedding.invocation_parameters", ("model",)),
            Attr("ai.model.id", "langfuse.observation.model.name", "llm.model_name", "embedding.model_name"),
        ),
    ),
    Field(
        "response_model",
        Kind.TEXT,
        (
            Attr(
                "gen_ai.response.model",
                "llm.response.model_name",
                "ai.response.model",
                "llm.model_name",
                "embedding.model_name",
                "langfuse.observation.model.name",
            ),
        ),
    ),
    Field("answer_model", Kind.TEXT, (Attr("driftline.answer.model"),)),
    Field(
        "named_provider",
        Kind.TEXT,
        (Attr("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider"),),
        words=PROVIDERS,
    ),
    Field("response_id", Kind.TEXT, (Attr("gen_ai.response.id", "ai.response.id"),)),
    Field(
        "named_tool",
        Kind.TEXT,
        (
            Attr("gen_ai.tool.name", "tool.name", "ai.toolCall.name"),
            When("traceloop.span.kind", "tool", then="traceloop.entity.name"),
        ),
    ),
)

_END: Final[tuple[Field, ...]] = (
    Field(
        "finish_reason",
        Kind.TEXT,
        (
            FirstItem("gen_ai.response.finish_reasons"),
            Json("gen_ai.output.messages", (1, "finish_reason")),
            OfList("gen_ai.completion.0.finish_reason"),
            Attr("llm.finish_reason", "ai.response.finishReason", "ai.finishReason"),
            Unquoted("langfuse.observation.metadata.finish_reason"),
        ),
        words=FINISH_REASONS,
    ),
    Field("raw_error", Kind.TEXT, (Attr("error.type"), EventAttr("exception", "exception.type"))),
    Field(
        "stated_error",
        Kind.TEXT,
        (Attr("langfuse.observation.status_message"), EventAttr("exception", "exception.message")),
    ),
    Field("http_status", Kind.TEXT, (Attr("http.response.status_code"),)),
    Field("provider_error", Kind.TEXT, (Attr("driftline.error.code"),)),
    Field("fallback_reason", Kind.TEXT, (Attr("driftline.fallback.reason"),)),
)

_WHOSE: Final[tuple[Field, ...]] = (
    Field(
        "session_id",
        Kind.TEXT,
        (
            Attr(
                "gen_ai.conversation.id",
                "session.id",
                "traceloop.association.properties.session_id",
                "ai.telemetry.metadata.sessionId",
                "langfuse.session.id",
            ),
            Loose("session_id"),
        ),
    ),
    Field(
        "user_id",
        Kind.TEXT,
        (
            Attr(
                "user.id",
                "enduser.id",
                "traceloop.association.properties.user_id",
                "gen_ai.request.user",
                "gen_ai.user",
                "llm.user",
                "ai.telemetry.metadata.userId",
                "langfuse.user.id",
            ),
            Loose("user_id"),
            Json("metadata", ("user_id",)),
        ),
    ),
    Field("declared_feature", Kind.TEXT, (Attr("driftline.feature"),)),
    Field(
        "workflow",
        Kind.TEXT,
        (
            Attr(
                "gen_ai.workflow.name",
                "gen_ai.agent.name",
                "traceloop.workflow.name",
                "ai.telemetry.functionId",
                "langfuse.trace.name",
            ),
        ),
    ),
    Field(
        "prompt_name",
        Kind.TEXT,
        (Attr("gen_ai.prompt.name", "langfuse.observation.prompt.name", "traceloop.prompt.key", "prompt.id"),),
    ),
    Field(
        "prompt_version",
        Kind.TEXT,
        (
            Attr(
                "gen_ai.prompt.version",
                "llm.prompt_template.version",
                "langfuse.observation.prompt.version",
                "traceloop.prompt.version",
            ),
        ),
    ),
    Field("variant", Kind.TEXT, (Named("driftline.experiment.variant", of="driftline.experiment.name"),)),
    Field("is_declared_request", Kind.BOOL, (Attr("driftline.request"),)),
    Field("service", Kind.TEXT, (Resource("service.name"),)),
    Field(
        "environment",
        Kind.TEXT,
        (
            Resource("deployment.environment.name", "deployment.environment", "langfuse.environment"),
            Attr("langfuse.environment"),
        ),
    ),
    Field(
        "release",
        Kind.TEXT,
        (Resource("service.version", "langfuse.release"), Attr("langfuse.release")),
    ),
    Field("collector", Kind.TEXT, (Resource("driftline.collector.instance"),)),
)

SPAN_FIELDS: Final[tuple[Field, ...]] = (*_WHAT, *USAGE_FIELDS, *_END, *DECISION_FIELDS, *_WHOSE, *SPAN_CONTENT)


SPAN_PLACES: Final = Places.of(sources_of(SPAN_FIELDS))


def list_pattern() -> str:
    """Regular expression of the keys of lists that are gathered into a column of their own."""
    prefixes = sorted({source.prefix for source in sources_of(SPAN_FIELDS) if isinstance(source, Flattened)})
    return f"^(?:{'|'.join(map(re.escape, prefixes))})[0-9]"


DROPPED_PATTERN: Final = r"^embedding\.embeddings\."
"""Keys of attributes that are kept nowhere: the numbers of vectors."""
