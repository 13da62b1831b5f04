"""Phoenix's OpenTelemetry distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix.otel import register

from support.recording.running import FEATURE, Running

if TYPE_CHECKING:
    from support.recording.running import Target


def start(target: Target) -> Running:
    """In batches."""
    provider = register(
        endpoint=f"{target.url}/v1/traces", project_name=FEATURE, batch=True, protocol="http/protobuf", verbose=False
    )
    return Running(provider.get_tracer("benchmark").chain, provider.force_flush, provider.shutdown)
