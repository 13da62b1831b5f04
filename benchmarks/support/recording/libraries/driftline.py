"""Driftline, by its public names."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

import driftline
from support.recording.running import FEATURE, PROMPT_NAME, PROMPT_VERSION, Running

if TYPE_CHECKING:
    from support.recording.running import Target

_PATIENCE = 300.0


def start(target: Target, *, bus: str, redact: bool) -> Running:
    """With the bus ``"sqlite"``, ``bus.db`` in the folder, or ``"http"``, the sink."""
    settings: dict[str, Any] = {
        "bus": target.url if bus == "http" else f"sqlite:///{target.folder}/bus.db",
        "data_dir": target.folder,
        "service_name": "benchmark",
    }
    if "redact" in inspect.signature(driftline.init).parameters:
        settings["redact"] = redact
    elif redact:
        raise RuntimeError("this Driftline does not redact")
    driftline.init(**settings)
    decorate = driftline.observe(feature=FEATURE, prompt_name=PROMPT_NAME, prompt_version=PROMPT_VERSION)
    return Running(decorate, partial(driftline.flush, _PATIENCE), partial(driftline.shutdown, _PATIENCE))
