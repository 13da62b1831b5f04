"""How much a call took: tokens, money, time."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.field import Field
from driftline_processors.conventions.parsed import Document, EventDelay, Scaled, TimeDelay, When
from driftline_processors.conventions.sources import Attr, Json, Kind

_DOCUMENTS: Final = ("langfuse.observation.usage_details", "gen_ai.usage.raw")
"""Attributes with a JSON object that several fields are read from."""

USAGE_FIELDS: Final[tuple[Field, ...]] = (
    Field(
        "input_tokens",
        Kind.UINT,
        (
            Attr(
                "gen_ai.usage.input_tokens",
                "gen_ai.usage.prompt_tokens",
                "llm.token_count.prompt",
                "ai.usage.inputTokens",
                "ai.usage.promptTokens",
                "ai.usage.tokens",
            ),
            Document(_DOCUMENTS, ("input", "input_tokens", "prompt_tokens")),
        ),
    ),
    Field(
        "output_tokens",
        Kind.UINT,
        (
            Attr(
                "gen_ai.usage.output_tokens",
                "gen_ai.usage.completion_tokens",
                "llm.token_count.completion",
                "ai.usage.outputTokens",
                "ai.usage.completionTokens",
            ),
            Document(_DOCUMENTS, ("output", "output_tokens", "completion_tokens")),
        ),
    ),
    Field(
        "cache_read_tokens",
        Kind.UINT,
        (
            Attr(
                "gen_ai.usage.cache_read.input_tokens",
                "gen_ai.usage.cache_read_input_tokens",
                "llm.token_count.prompt_details.cache_read",
                "gen_ai.usage.prompt_tokens_details.cache_read",
                "ai.usage.inputTokenDetails.cacheReadTokens",
                "ai.usage.cachedInputTokens",
            ),
            Document(
                _DOCUMENTS,
                (
                    "input_cached_tokens",
                    "prompt_tokens_details.cached_tokens",
                    "input_tokens_details.cached_tokens",
                    "cache_read_input_tokens",
                ),
            ),
        ),
    ),
    Field(
        "cache_write_tokens",
        Kind.UINT,
        (
            Attr(
                "gen_ai.usage.cache_write.input_tokens",
                "gen_ai.usage.cache_creation.input_tokens",
                "gen_ai.usage.cache_creation_input_tokens",
                "llm.token_count.prompt_details.cache_write",
                "ai.usage.inputTokenDetails.cacheWriteTokens",
            ),
            Document(_DOCUMENTS, ("cache_creation_input_tokens",)),
        ),
    ),
    Field(
        "reasoning_tokens",
        Kind.UINT,
        (
            Attr(
                "gen_ai.usage.reasoning.output_tokens",
                "gen_ai.usage.reasoning_tokens",
                "gen_ai.usage.details.reasoning_tokens",
                "llm.token_count.completion_details.reasoning",
                "gen_ai.usage.completion_tokens_details.reasoning",
                "ai.usage.outputTokenDetails.reasoningTokens",
                "ai.usage.reasoningTokens",
            ),
            Document(
                _DOCUMENTS, ("completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens")
            ),
        ),
    ),
    Field(
        "claimed_cost",
        Kind.FLOAT,
        (
            Attr("operation.cost", "gen_ai.usage.cost", "llm.cost.total"),
            Json("langfuse.observation.cost_details", ("total",)),
        ),
    ),
    # A log line of Logfire that stands for a call which has just ended.
    Field("told_duration", Kind.FLOAT, (When("logfire.span_type", "log", then="duration"),)),
    Field(
        "first_token",
        Kind.FLOAT,
        (
            Attr("gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk"),
            Scaled("ai.response.msToFirstChunk", 0.001),
            EventDelay(
                (
                    "First Token Stream Event",
                    "gen_ai.content.completion.chunk",
                    "llm.content.completion.chunk",
                    "ai.stream.firstChunk",
                )
            ),
            TimeDelay("langfuse.observation.completion_start_time"),
        ),
    ),
    # OpenLIT sends it, as the whole latency, when nothing was streamed too.
    Field("first_token_if_streaming", Kind.FLOAT, (Attr("gen_ai.server.time_to_first_token"),)),
    Field(
        "told_streaming",
        Kind.BOOL,
        (
            Attr("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming", "gen_ai.request.is_stream"),
            Json("llm.invocation_parameters", ("stream",)),
            Json("request_data", ("stream",)),
            When("logfire.span_type", "log", then="=true"),
        ),
    ),
)
