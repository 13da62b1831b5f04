"""The map from semantic conventions to canonical fields: adding a convention is adding a key.

Each row is a column of ``llm_spans`` and the places where its value can stand, best first. Keys are those
of the OpenTelemetry GenAI conventions, old and new, and of OpenInference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_processors.conventions.sources import (
    Attr,
    EventAttr,
    EventDelay,
    FirstItem,
    Flattened,
    Json,
    Kind,
    Resource,
)

if TYPE_CHECKING:
    from driftline_processors.conventions.sources import Source


@dataclass(frozen=True)
class Field:
    """A canonical field.

    Attributes:
        name: column of ``llm_spans``, or a value that ``views`` derives columns from.
        sources: where to look, best first.
    """

    name: str
    kind: Kind
    sources: tuple[Source, ...]

    def sql(self) -> str:
        """Expression of the first value that was sent; '' or NULL when none was."""
        found = [source.sql() for source in self.sources]
        return self.kind.sql(found[0] if len(found) == 1 else f"firstNonDefault({', '.join(found)})")


def _attrs(*keys: str) -> tuple[Source, ...]:
    return tuple(Attr(key) for key in keys)


SPAN_FIELDS: Final[tuple[Field, ...]] = (
    # What was done
    Field("raw_operation", Kind.TEXT, _attrs("gen_ai.operation.name", "openinference.span.kind", "llm.request.type")),
    Field("step_kind", Kind.TEXT, _attrs("driftline.span.kind")),
    Field(
        "request_model",
        Kind.TEXT,
        (
            Attr("gen_ai.request.model"),
            Attr("llm.request.model_name"),
            Json("llm.invocation_parameters", ("model",)),
            Json("embedding.invocation_parameters", ("model",)),
            *_attrs("llm.model_name", "embedding.model_name"),
        ),
    ),
    Field(
        "response_model",
        Kind.TEXT,
        _attrs("gen_ai.response.model", "llm.response.model_name", "llm.model_name", "embedding.model_name"),
    ),
    Field("answer_model", Kind.TEXT, _attrs("driftline.answer.model")),
    Field("provider", Kind.TEXT, _attrs("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")),
    Field("response_id", Kind.TEXT, _attrs("gen_ai.response.id")),
    Field("tool_name", Kind.TEXT, _attrs("gen_ai.tool.name", "tool.name")),
    # How much
    Field(
        "input_tokens",
        Kind.UINT,
        _attrs("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    ),
    Field(
        "output_tokens",
        Kind.UINT,
        _attrs("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    ),
    Field(
        "cache_read_tokens",
        Kind.UINT,
        _attrs(
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "llm.token_count.prompt_details.cache_read",
        ),
    ),
    Field(
        "cache_write_tokens",
        Kind.UINT,
        _attrs(
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ),
    ),
    Field(
        "reasoning_tokens",
        Kind.UINT,
        _attrs(
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
        ),
    ),
    Field("reported_cost", Kind.FLOAT, _attrs("llm.cost.total")),
    Field(
        "time_to_first_token",
        Kind.FLOAT,
        (Attr("gen_ai.response.time_to_first_chunk"), EventDelay("First Token Stream Event")),
    ),
    Field(
        "is_streaming",
        Kind.BOOL,
        (
            *_attrs("gen_ai.request.stream", "llm.is_streaming"),
            Json("llm.invocation_parameters", ("stream",)),
        ),
    ),
    # How it ended
    Field(
        "finish_reason",
        Kind.TEXT,
        (
            FirstItem("gen_ai.response.finish_reasons"),
            Json("gen_ai.output.messages", (1, "finish_reason")),
            Attr("llm.finish_reason"),
        ),
    ),
    Field("raw_error", Kind.TEXT, (Attr("error.type"), EventAttr("exception", "exception.type"))),
    Field("http_status", Kind.TEXT, _attrs("http.response.status_code")),
    Field("provider_error", Kind.TEXT, _attrs("driftline.error.code")),
    Field("fallback_reason", Kind.TEXT, _attrs("driftline.fallback.reason")),
    # Whose it was
    Field("session_id", Kind.TEXT, _attrs("gen_ai.conversation.id", "session.id")),
    Field("user_id", Kind.TEXT, _attrs("user.id", "enduser.id", "gen_ai.user", "llm.user")),
    Field("declared_feature", Kind.TEXT, _attrs("driftline.feature")),
    Field("workflow", Kind.TEXT, _attrs("gen_ai.workflow.name", "gen_ai.agent.name")),
    Field("prompt_name", Kind.TEXT, _attrs("gen_ai.prompt.name", "prompt.id")),
    Field("prompt_version", Kind.TEXT, _attrs("gen_ai.prompt.version", "llm.prompt_template.version")),
    Field("is_declared_request", Kind.BOOL, _attrs("driftline.request")),
    Field("service", Kind.TEXT, (Resource("service.name"),)),
    Field("environment", Kind.TEXT, (Resource("deployment.environment.name"), Resource("deployment.environment"))),
    Field("release", Kind.TEXT, (Resource("service.version"),)),
    # What was said
    Field("system", Kind.TEXT, _attrs("gen_ai.system_instructions")),
    Field(
        "input",
        Kind.TEXT,
        (Attr("gen_ai.input.messages"), Flattened("llm.input_messages."), Attr("gen_ai.prompt"), Attr("input.value")),
    ),
    Field(
        "output",
        Kind.TEXT,
        (
            Attr("gen_ai.output.messages"),
            Flattened("llm.output_messages."),
            Attr("gen_ai.completion"),
            Attr("output.value"),
        ),
    ),
)

EVALUATION_FIELDS: Final[tuple[Field, ...]] = (
    Field("evaluation", Kind.TEXT, _attrs("gen_ai.evaluation.name")),
    Field("source", Kind.TEXT, _attrs("driftline.evaluation.source")),
    Field("score", Kind.FLOAT, _attrs("gen_ai.evaluation.score.value")),
    Field("label", Kind.TEXT, _attrs("gen_ai.evaluation.score.label")),
    Field("explanation", Kind.TEXT, _attrs("gen_ai.evaluation.explanation")),
    Field("response_id", Kind.TEXT, _attrs("gen_ai.response.id")),
    Field("error", Kind.TEXT, _attrs("error.type")),
    Field("feature", Kind.TEXT, _attrs("driftline.feature")),
    Field("model", Kind.TEXT, _attrs("gen_ai.response.model", "gen_ai.request.model")),
    Field("prompt_name", Kind.TEXT, _attrs("gen_ai.prompt.name")),
    Field("prompt_version", Kind.TEXT, _attrs("gen_ai.prompt.version")),
    Field("request_start_nano", Kind.UINT, _attrs("driftline.request.start_time_unix_nano")),
    # Feedback can come from another service than the one that answered.
    Field("service", Kind.TEXT, (Attr("driftline.request.service"), Resource("service.name"))),
    Field(
        "environment",
        Kind.TEXT,
        (
            Attr("driftline.request.environment"),
            Resource("deployment.environment.name"),
            Resource("deployment.environment"),
        ),
    ),
)

CONTENT_FIELDS: Final[tuple[Field, ...]] = tuple(
    Field(name, Kind.TEXT, (Attr(key),))
    for name, key in (
        ("system", "gen_ai.system_instructions"),
        ("input", "gen_ai.input.messages"),
        ("output", "gen_ai.output.messages"),
    )
)
"""What a log event ``gen_ai.client.inference.operation.details`` tells of its span's content."""


def consumed_keys() -> tuple[str, ...]:
    """Attribute keys that have a column of their own and are not copied into ``attributes``."""
    keys = {key for field in SPAN_FIELDS for source in field.sources if (key := source.consumes())}
    return tuple(sorted(keys))


def consumed_prefixes() -> tuple[str, ...]:
    """Starts of attribute keys that are gathered into a column of their own."""
    prefixes = {s.prefix for field in SPAN_FIELDS for s in field.sources if isinstance(s, Flattened)}
    return tuple(sorted(prefixes | {"embedding.embeddings."}))
