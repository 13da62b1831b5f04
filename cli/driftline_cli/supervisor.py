"""Runs the parts as processes of their own and keeps them running.

A part that ends is started again, with a growing pause. A part that ends soon after its first start is
taken to be set up wrongly: its own sentence is passed on and everything stops.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psutil

from driftline.errors import DriftlineError
from driftline_cli.part import PARENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_FIRST_SECONDS: Final = 10.0
"""A part that fails within this time of its first start will fail again."""

_LONGEST_PAUSE: Final = 30.0
_STOP_SECONDS: Final = 10.0


@dataclass
class Part:
    """One process under supervision.

    Attributes:
        command: what to run.
        log: file that its output is added to.
    """

    name: str
    command: Sequence[str]
    log: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    restarts: int = 0
    not_before: float = 0.0

    def start(self) -> None:
        """Start the process; its output goes to the log."""
        environ = os.environ | dict(self.environ) | {PARENT: str(os.getpid()), "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # An interrupt at the terminal is for the supervisor, who stops the parts in order.
                start_new_session=True,
            )
        self.started = time.monotonic()

    def last_words(self) -> str:
        """The last line that the part wrote, without our own prefix."""
        with contextlib.suppress(OSError):
            lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if lines:
                return lines[-1].removeprefix("driftline: ")
        return "it said nothing"


class Supervisor:
    """Starts parts in order, restarts the fallen, stops all in reverse order."""

    def __init__(self, logs: Path, *, say: Callable[[str], None]) -> None:
        """Make a supervisor without parts.

        Args:
            logs: folder for the parts' output, one file each.
            say: where to tell people what happens.
        """
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._logs = logs
        self._say = say
        self.parts: dict[str, Part] = {}

    def start(self, name: str, *arguments: str, environ: Mapping[str, str] | None = None) -> Part:
        """Start ``driftline NAME ARGUMENTS`` as a part."""
        log = self._logs / f"{name}.log"
        log.unlink(missing_ok=True)
        command = [sys.executable, "-m", "driftline_cli", name, *arguments]
        part = self.parts[name] = Part(name, command, log, environ or {})
        part.start()
        return part

    def check(self) -> None:
        """Restart what has ended since the last call.

        Raises:
            DriftlineError: a part failed right after its first start; says why.
        """
        for part in self.parts.values():
            self._check(part)

    def _check(self, part: Part) -> None:
        process, now = part.process, time.monotonic()
        if process is None:
            if now >= part.not_before:
                part.start()
            return
        if process.poll() is None:
            return
        lived = now - part.started
        if part.restarts == 0 and lived < _FIRST_SECONDS and process.returncode > 0:
            raise DriftlineError(part.last_words())
        pause = min(2.0 ** min(part.restarts, 5), _LONGEST_PAUSE) if lived < _FIRST_SECONDS else 0.0
        part.restarts += 1
        part.process, part.not_before = None, now + pause
        self._say(f"{part.name} ended ({process.returncode}: {part.last_words()}); starting it again, log: {part.log}")

    def stop(self) -> None:
        """Stop all parts, the last one started first, waiting for each to finish its work."""
        for part in reversed(self.parts.values()):
            if part.process is None or part.process.poll() is not None:
                continue
            part.process.terminate()
            try:
                part.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                _kill_tree(part.process.pid)
                part.process.wait()


def _kill_tree(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for child in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
