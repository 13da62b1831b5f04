"""Weave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import weave

from support.recording.running import FEATURE, Running

if TYPE_CHECKING:
    from support.recording.running import Target


def start(target: Target) -> Running:  # noqa: ARG001 - it is told by the environment
    """As an operation."""
    client = weave.init(f"benchmark/{FEATURE}")
    return Running(weave.op, client.flush, client.finish)
