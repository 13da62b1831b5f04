"""Opik."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import opik

from support.recording.running import FEATURE, Running

if TYPE_CHECKING:
    from support.recording.running import Target


def start(target: Target) -> Running:  # noqa: ARG001 - it is told by the environment
    """As a step that calls a model."""
    decorate = opik.track(type="llm", project_name=FEATURE)
    return Running(decorate, opik.flush_tracker, partial(opik.flush_tracker, 60))
