"""The attribute names that Driftline writes, in one table.

Written out instead of imported because every ``gen_ai.*`` constant of
``opentelemetry-semantic-conventions`` is marked deprecated ("moved") and the new registry has no
release yet. Names under ``gen_ai.`` are OpenTelemetry's; names under ``driftline.`` are ours.
"""

from __future__ import annotations

from typing import Final

# The operation and its model
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
SERVICE_TIER: Final = "openai.response.service_tier"

# What was asked for
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_CHOICES: Final = "gen_ai.request.choice.count"
REQUEST_STOP: Final = "gen_ai.request.stop_sequences"
REQUEST_REASONING: Final = "gen_ai.request.reasoning.level"
REQUEST_PREVIOUS: Final = "gen_ai.request.previous_response.id"
REQUEST_ENCODINGS: Final = "gen_ai.request.encoding_formats"
REQUEST_TIER: Final = "openai.request.service_tier"
OUTPUT_TYPE: Final = "gen_ai.output.type"
EMBEDDING_DIMENSIONS: Final = "gen_ai.embeddings.dimension.count"

# Tokens: input includes cached ones, output includes reasoning ones
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"

# Content
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
CONTENT_TRUNCATED: Final = "driftline.content.truncated"

# Whom and what it was for
FEATURE: Final = "driftline.feature"
PROMPT_NAME: Final = "gen_ai.prompt.name"
PROMPT_VERSION: Final = "gen_ai.prompt.version"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
USER_ID: Final = "user.id"
EXPERIMENT: Final = "driftline.experiment.name"
VARIANT: Final = "driftline.experiment.variant"
TAG_PREFIX: Final = "driftline.tag."

# A stream
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
ABANDONED: Final = "driftline.stream.abandoned"

# What the application did about it
RETRIES: Final = "driftline.retries"
REPAIRS: Final = "driftline.repairs"
CACHE_HIT: Final = "driftline.cache.hit"
GUARDRAIL_NAME: Final = "driftline.guardrail.name"
GUARDRAIL_DECISION: Final = "driftline.guardrail.decision"
ROUTE_NAME: Final = "driftline.route.name"
ROUTE_CHOICE: Final = "driftline.route.choice"
ROUTE_CONFIDENCE: Final = "driftline.route.confidence"

# What became of it
ERROR_TYPE: Final = "error.type"
ERROR_CODE: Final = "driftline.error.code"
HTTP_STATUS: Final = "http.response.status_code"
CANCELLED: Final = "driftline.cancelled"
FALLBACK_REASON: Final = "driftline.fallback.reason"
FALLBACK_MODEL: Final = "driftline.fallback.model"
CONTAINED: Final = "driftline.contained"

# What Driftline decided about an observed span
OBSERVED: Final = "driftline.observed"
REQUEST: Final = "driftline.request"
SPAN_KIND: Final = "driftline.span.kind"
ANSWER_MODEL: Final = "driftline.answer.model"

# Feedback and scores
EVALUATION_EVENT: Final = "gen_ai.evaluation.result"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE: Final = "gen_ai.evaluation.score.value"
EVALUATION_LABEL: Final = "gen_ai.evaluation.score.label"
EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"
EVALUATION_SOURCE: Final = "driftline.evaluation.source"
REQUEST_START: Final = "driftline.request.start_time_unix_nano"
REQUEST_SERVICE: Final = "driftline.request.service"
REQUEST_ENVIRONMENT: Final = "driftline.request.environment"
REQUEST_VARIANT: Final = "driftline.variant"

# What the collector says about itself
COLLECTOR_REPORT: Final = "driftline.collector.report"
COLLECTOR_PREFIX: Final = "driftline.collector."
COLLECTOR_INSTANCE: Final = "driftline.collector.instance"

# The resource
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
ENVIRONMENT: Final = "deployment.environment.name"

# Values
CHAT: Final = "chat"
EMBEDDINGS: Final = "embeddings"
TEXT_COMPLETION: Final = "text_completion"
GENERATE_CONTENT: Final = "generate_content"
INVOKE_WORKFLOW: Final = "invoke_workflow"
CALL: Final = "call"
STEP: Final = "step"
WORKFLOW: Final = "workflow"
HUMAN: Final = "human"

PROPAGATED: Final = frozenset({FEATURE, PROMPT_NAME, PROMPT_VERSION, CONVERSATION_ID, USER_ID, EXPERIMENT, VARIANT})
"""Keys that are copied onto every span started below; their presence says nothing about the span itself."""

LLM_PREFIXES: Final = ("gen_ai.", "driftline.", "llm.", "openinference.", "traceloop.", "langfuse.")
"""A span with an attribute under one of these, propagated ones aside, has to do with a model."""

INFERENCES: Final = frozenset({CHAT, TEXT_COMPLETION, GENERATE_CONTENT})
"""Operations whose result is an answer."""

CALL_MARKS: Final = (
    (OPERATION_NAME, INFERENCES, frozenset({EMBEDDINGS})),
    ("openinference.span.kind", frozenset({"LLM"}), frozenset({"EMBEDDING"})),
    ("langfuse.observation.type", frozenset({"generation"}), frozenset({"embedding"})),
)
"""How instrumentations say "this span is a call": key, values of an inference, values of an embedding."""

CALL_MODELS: Final = (
    RESPONSE_MODEL,
    REQUEST_MODEL,
    "llm.model_name",
    "embedding.model_name",
    "langfuse.observation.model.name",
)
"""Where instrumentations put the model of a call, in order of preference."""
