"""Driftline notices within minutes when an LLM feature gets worse.

In the application:

    from driftline import observe

    @observe(feature="support_answer", prompt_name="support", prompt_version="v2")
    def answer(question: str) -> str: ...

Nothing here slows, breaks or blocks the application; only ``init`` raises, for wrong settings.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from driftline.decorator import observe
from driftline.errors import DriftlineError, SettingsError
from driftline.runtime import flush, init, shutdown, stats

if TYPE_CHECKING:
    from driftline.context import current, fallback, session
    from driftline.counts import Stats
    from driftline.evaluations import feedback
    from driftline.handle import Handle

__all__ = [
    "DriftlineError",
    "Handle",
    "SettingsError",
    "Stats",
    "current",
    "fallback",
    "feedback",
    "flush",
    "init",
    "observe",
    "session",
    "shutdown",
    "stats",
]

_LAZY = {
    "Handle": "driftline.handle",
    "Stats": "driftline.counts",
    "current": "driftline.context",
    "fallback": "driftline.context",
    "feedback": "driftline.evaluations",
    "session": "driftline.context",
}
"""Names whose modules load OpenTelemetry; they are loaded when first used."""


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
