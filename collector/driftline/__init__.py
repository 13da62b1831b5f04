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
    from driftline.actions import cached, guardrail, repaired, retried, routed
    from driftline.blocks import record, span
    from driftline.containment.guard import guard
    from driftline.context import current, fallback, session, tags
    from driftline.counts import Stats
    from driftline.evaluations import feedback, outcome, signal
    from driftline.experiments import assign, experiment
    from driftline.handle import Handle

__all__ = [
    "DriftlineError",
    "Handle",
    "SettingsError",
    "Stats",
    "assign",
    "cached",
    "current",
    "experiment",
    "fallback",
    "feedback",
    "flush",
    "guard",
    "guardrail",
    "init",
    "observe",
    "outcome",
    "record",
    "repaired",
    "retried",
    "routed",
    "session",
    "shutdown",
    "signal",
    "span",
    "stats",
    "tags",
]

_LAZY = {
    "Handle": "driftline.handle",
    "Stats": "driftline.counts",
    "assign": "driftline.experiments",
    "cached": "driftline.actions",
    "current": "driftline.context",
    "experiment": "driftline.experiments",
    "fallback": "driftline.context",
    "feedback": "driftline.evaluations",
    "guard": "driftline.containment.guard",
    "guardrail": "driftline.actions",
    "outcome": "driftline.evaluations",
    "record": "driftline.blocks",
    "repaired": "driftline.actions",
    "retried": "driftline.actions",
    "routed": "driftline.actions",
    "session": "driftline.context",
    "signal": "driftline.evaluations",
    "span": "driftline.blocks",
    "tags": "driftline.context",
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
