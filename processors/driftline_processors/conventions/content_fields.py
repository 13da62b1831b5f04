"""What was said: fields that are kept as they were sent and read by ``driftline_store.content``."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.field import Field
from driftline_processors.conventions.parsed import EventAttr, Events, Flattened, Holding, Together
from driftline_processors.conventions.sources import Attr, Kind

SPAN_CONTENT: Final[tuple[Field, ...]] = (
    Field("system", Kind.TEXT, (Attr("gen_ai.system_instructions"),)),
    Field(
        "input",
        Kind.TEXT,
        (
            Attr("gen_ai.input.messages"),
            Flattened("llm.input_messages."),
            Flattened("gen_ai.prompt."),
            Attr("ai.prompt.messages", "ai.prompt", "langfuse.observation.input", "gen_ai.prompt"),
            EventAttr("gen_ai.content.prompt", "gen_ai.prompt"),
            Events("events", of_answer=False),
            Holding("request_data", '"messages"'),
            Attr(
                "input.value",
                "traceloop.entity.input",
                "gen_ai.tool.call.arguments",
                "ai.toolCall.args",
                "tool_arguments",
            ),
        ),
    ),
    Field(
        "output",
        Kind.TEXT,
        (
            Attr("gen_ai.output.messages"),
            Flattened("llm.output_messages."),
            Flattened("gen_ai.completion."),
            Together("ai.response.text", beside="ai.response.toolCalls"),
            Attr("ai.response.object", "langfuse.observation.output", "gen_ai.completion"),
            EventAttr("gen_ai.content.completion", "gen_ai.completion"),
            Events("events", of_answer=True),
            Attr(
                "response_data",
                "output.value",
                "traceloop.entity.output",
                "gen_ai.tool.call.result",
                "ai.toolCall.result",
                "tool_response",
                "final_result",
            ),
        ),
    ),
)

EVENT_CONTENT: Final[tuple[Field, ...]] = tuple(
    Field(name, Kind.TEXT, (Attr(key),))
    for name, key in (
        ("system", "gen_ai.system_instructions"),
        ("input", "gen_ai.input.messages"),
        ("output", "gen_ai.output.messages"),
    )
)
"""What a log event ``gen_ai.client.inference.operation.details`` tells of its span's content."""
