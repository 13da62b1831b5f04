"""Traceloop (OpenLLMetry)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import task

from support.recording.running import FEATURE, Running

if TYPE_CHECKING:
    from support.recording.running import Target


def start(target: Target) -> Running:
    """In batches, without instrumentations and without its own telemetry."""
    Traceloop.init(app_name=FEATURE, api_endpoint=target.url, telemetry_enabled=False, instruments=set())
    provider = trace.get_tracer_provider()
    return Running(task(name="answer"), provider.force_flush, provider.shutdown)
