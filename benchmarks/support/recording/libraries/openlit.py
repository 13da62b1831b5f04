"""OpenLIT. Its decorator sets what the function returns as an attribute, so the function returns the text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import openlit
from opentelemetry import trace

from support.recording.running import FEATURE, Running

if TYPE_CHECKING:
    from support.recording.running import Answer, Target


def start(target: Target) -> Running:
    """With no instrumentation of other libraries, and prices from a file instead of the network."""
    prices = Path(target.folder) / "prices.json"
    prices.write_text("{}")
    openlit.init(application_name=FEATURE, otlp_endpoint=target.url, pricing_json=str(prices), disable_metrics=True)

    def wrap(function: Answer) -> Answer:
        @openlit.trace
        def answer(prompt: str) -> str:
            return str(function(prompt).choices[0].message.content)

        return answer

    provider = trace.get_tracer_provider()
    return Running(wrap, provider.force_flush, provider.shutdown)
