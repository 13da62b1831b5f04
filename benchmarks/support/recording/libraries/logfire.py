"""Logfire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import logfire

from support.recording.running import FEATURE, Running

if TYPE_CHECKING:
    from support.recording.running import Target


def start(target: Target) -> Running:
    """Without its console, and with what the function returns."""
    logfire.configure(
        token="pylf_v1_local_benchmark",  # noqa: S106
        service_name=FEATURE,
        console=False,
        metrics=False,
        advanced=logfire.AdvancedOptions(base_url=target.url),
    )
    return Running(logfire.instrument(record_return=True), logfire.force_flush, logfire.shutdown)
