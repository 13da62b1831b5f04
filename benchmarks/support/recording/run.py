"""Starts the sink and the processes of the libraries, and reads what they measured."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.recording.marks import OTHERS, Marks
from support.recording.sink import COUNTS
from support.watch import NotRunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.recording.install import Place
    from support.recording.plan import Plan
    from support.recording.table import Library

BENCHMARKS = Path(__file__).parents[2]
PATIENCE = 600.0
"""Seconds that one task may take, delivery included."""

_NOWHERE = "http://127.0.0.1:9"
"""The discard port: whoever wants to leave this machine is refused at once."""

_IMPORT = "import time; began = time.perf_counter(); {imports}; print(time.perf_counter() - began)"


@dataclass(frozen=True)
class Sink:
    """The running sink."""

    url: str

    def forget(self) -> None:
        """Begin anew."""
        self._ask("DELETE")

    def counts(self) -> dict[str, Any]:
        """What has come since."""
        return dict(json.loads(self._ask("GET")))

    def _ask(self, method: str) -> bytes:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"))
        connection.request(method, COUNTS)
        body = connection.getresponse().read()
        connection.close()
        return body


@contextlib.contextmanager
def running_sink() -> Iterator[Sink]:
    """Run the sink on the last core, so that the first is left to what is measured."""
    command = [sys.executable, "-m", "support.recording.sink"]
    with subprocess.Popen(command, cwd=BENCHMARKS, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if hasattr(os, "sched_setaffinity"):  # not on macOS
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        said = process.stdout.readline() if process.stdout else b""
        yield Sink(f"http://127.0.0.1:{int(said)}")
        # It ends with its standard input, which the end of this block closes.


def perform(library: Library, place: Place, sink: Sink, task: str, plan: Plan) -> dict[str, Any]:
    """Run one task in a process of its own.

    Returns:
        what it measured, and for a burst how many prompts and answers arrived.

    Raises:
        NotRunError: with what the library said.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        order = {
            "module": library.module,
            "options": library.options,
            "task": task,
            "plan": asdict(plan),
            "url": sink.url,
            "folder": folder,
            "result": str(result),
        }
        sink.forget()
        command = [place.python, "-m", "support.recording.worker", json.dumps(order)]
        said = _run(command, _environ(library, sink, folder))
        found: dict[str, Any] = (
            json.loads(result.read_text()) if result.exists() else {"error": said or "its process ended early"}
        )
        if "error" in found:
            raise NotRunError(found["error"])
        arrived = _in_file(Path(folder) / "bus.db") if library.in_file else sink.counts()
    if task != "first" and library.exports and not arrived[OTHERS]:
        raise NotRunError(f"none of its calls arrived; it said: {said}")
    return found | arrived


def import_ms(library: Library, place: Place) -> float:
    """Milliseconds that its import takes in an interpreter where nothing is loaded."""
    code = _IMPORT.format(imports=library.imports)
    done = subprocess.run([place.python, "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE)
    if done.returncode:
        raise NotRunError(done.stderr.strip().splitlines()[-1])
    return float(done.stdout.split()[-1]) * 1e3


def _run(command: list[str], environ: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command, cwd=BENCHMARKS, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise NotRunError(f"it was not done within {PATIENCE:.0f} s") from None
    return (done.stderr.strip().splitlines() or [""])[-1]


def _environ(library: Library, sink: Sink, folder: str) -> dict[str, str]:
    foreign = ("OTEL_", "DRIFTLINE_", "LANGFUSE_", "OPIK_", "MLFLOW_", "LOGFIRE_", "WANDB_", "WEAVE_", "TRACELOOP_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {name: value.format(url=sink.url) for name, value in library.environ.items()}
    common = {
        "HOME": folder,  # several keep files in one of the two
        "TMPDIR": folder,
        "DO_NOT_TRACK": "true",
        "NO_PROXY": "127.0.0.1",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), _NOWHERE),
    }
    return kept | common | own


def _in_file(path: Path) -> dict[str, int]:
    marks = Marks()
    with contextlib.closing(sqlite3.connect(path)) as database:
        for (value,) in database.execute("SELECT value FROM message"):
            marks.add(value)
    return marks.counts()
