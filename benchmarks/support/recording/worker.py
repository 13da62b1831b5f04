"""The process of one library, which does one task: ``python -m support.recording.worker ORDER``."""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from support.recording.plan import Plan
from support.recording.running import Running, Start, Target


def main() -> None:
    """Do what the order says, a JSON object; a reason why it could not be done is written too."""
    order = json.loads(sys.argv[1])
    try:
        found = perform(order)
    except Exception as error:  # noqa: BLE001 - whatever a library says is the line of its row
        found = {"error": str(error) or type(error).__name__}
    Path(order["result"]).write_text(json.dumps(found))


def perform(order: dict[str, Any]) -> dict[str, float]:
    """Set up the library, and measure."""
    if order["task"] == "first":
        return first(order)
    # Not above: it loads the openai package, which a first call is not to find loaded.
    from support.recording import measure  # noqa: PLC0415

    return {"calls": measure.calls, "burst": measure.burst}[order["task"]](_start(order), Plan(**order["plan"]))


def first(order: dict[str, Any]) -> dict[str, float]:
    """From nothing loaded to the first call recorded, in milliseconds."""
    message = SimpleNamespace(role="assistant", content="Yes, within 30 days.")
    completion = SimpleNamespace(
        id="chatcmpl-1",
        model="gpt-4o-mini-2024-07-18",
        choices=[SimpleNamespace(index=0, finish_reason="stop", message=message)],
        usage=SimpleNamespace(prompt_tokens=7, completion_tokens=6, total_tokens=13),
    )

    def answer(prompt: str) -> SimpleNamespace:  # noqa: ARG001
        return completion

    began = time.perf_counter()
    _start(order).wrap(answer)("Can I return it?")
    return {"first_call_ms": (time.perf_counter() - began) * 1e3}


def _start(order: dict[str, Any]) -> Running:
    module = importlib.import_module(f"support.recording.libraries.{order['module']}")
    start: Start = module.start
    return start(Target(order["url"], order["folder"]), **order["options"])


if __name__ == "__main__":
    main()
