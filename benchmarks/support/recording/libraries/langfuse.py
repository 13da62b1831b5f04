"""Langfuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langfuse import Langfuse, observe

from support.recording.running import Running

if TYPE_CHECKING:
    from support.recording.running import Target


def start(target: Target) -> Running:
    """As a generation, so that it reads model and tokens if it can."""
    client = Langfuse(public_key="pk-lf-benchmark", secret_key="sk-lf-benchmark", base_url=target.url)  # noqa: S106
    return Running(observe(as_type="generation"), client.flush, client.shutdown)
