"""The OpenTelemetry SDK alone: what an instrumentation written by hand costs at least."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from support.recording.running import FEATURE, PROMPT_VERSION, Running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from support.recording.running import Answer, Target


class Nowhere(SpanExporter):
    """Takes spans and does nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002 - the interface
        """Say that all is well."""
        return SpanExportResult.SUCCESS


def start(target: Target, *, export: bool) -> Running:
    """A provider of its own, with the batch processor as it comes."""
    provider = TracerProvider(resource=Resource.create({"service.name": "benchmark"}))
    provider.add_span_processor(BatchSpanProcessor(_over_http(target) if export else Nowhere()))
    tracer = provider.get_tracer("benchmark")

    def wrap(function: Answer) -> Answer:
        def answer(prompt: str) -> Any:
            with tracer.start_as_current_span("answer") as span:
                completion = function(prompt)
                choice = completion.choices[0]
                span.set_attributes(
                    {
                        "gen_ai.operation.name": "chat",
                        "gen_ai.provider.name": "openai",
                        "gen_ai.request.model": "gpt-4o-mini",
                        "gen_ai.response.model": completion.model,
                        "gen_ai.response.id": completion.id,
                        "gen_ai.response.finish_reasons": [choice.finish_reason],
                        "gen_ai.usage.input_tokens": completion.usage.prompt_tokens,
                        "gen_ai.usage.output_tokens": completion.usage.completion_tokens,
                        "gen_ai.input.messages": _messages("user", prompt),
                        "gen_ai.output.messages": _messages("assistant", choice.message.content),
                        "driftline.feature": FEATURE,
                        "driftline.prompt.version": PROMPT_VERSION,
                    }
                )
                return completion

        return answer

    return Running(wrap, provider.force_flush, provider.shutdown)


def _messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def _over_http(target: Target) -> SpanExporter:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - one row needs it

    return OTLPSpanExporter(endpoint=f"{target.url}/v1/traces")
