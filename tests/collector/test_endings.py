"""However a process ends, what it had recorded is on the bus, or on disk for the next one."""

from __future__ import annotations

import contextlib
import gzip
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from process_support import clean_environment, on_disk

if TYPE_CHECKING:
    from pathlib import Path

APP = """
import driftline, os, signal, sys, threading, time
from driftline import observe

@observe(capture_content=True)
def answer(question):
    return question.upper()
"""


def start(folder: Path, code: str, **environ: str) -> subprocess.Popen[str]:
    """Run an application from a file, as children of some kinds import it."""
    (folder / "app.py").write_text(APP + code)
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=folder,
        env=clean_environment(folder, **environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    with process:
        said, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (code, "")
    return said


def answers(folder: Path) -> list[str]:
    spans = on_disk(folder)
    return sorted(span.attributes["gen_ai.output.messages"].split('"content":"')[1].split('"')[0] for span in spans)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_send_what_they_recorded(tmp_path: Path, method: str) -> None:
    code = """
import multiprocessing

def work(name):
    answer(name)

if __name__ == "__main__":
    answer("before")
    context = multiprocessing.get_context(sys.argv[1] if sys.argv[1:] else METHOD)
    children = [context.Process(target=work, args=(f"child {number}",)) for number in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
"""
    finish(start(tmp_path, code.replace("METHOD", repr(method))))
    assert answers(tmp_path) == ["BEFORE", "CHILD 0", "CHILD 1"]


def test_so_do_their_children_and_the_workers_of_a_pool_that_is_terminated(tmp_path: Path) -> None:
    code = """
import multiprocessing
context = multiprocessing.get_context("fork")

def work(name):
    answer(name)

def nest():
    child = context.Process(target=work, args=("grandchild",))
    child.start()
    child.join()

answer("before")
child = context.Process(target=nest)
child.start()
child.join()
with context.Pool(2) as pool:
    pool.map(work, ["0", "1", "2", "3"])
"""
    finish(start(tmp_path, code))
    assert answers(tmp_path) == ["0", "1", "2", "3", "BEFORE", "GRANDCHILD"]


ONE_CALL = """
answer("last")
print("ready", flush=True)
"""


def test_sigterm_kills_it_as_before_but_nothing_is_lost(tmp_path: Path) -> None:
    process = start(tmp_path, ONE_CALL + "time.sleep(60)")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    finish(process, -signal.SIGTERM)
    assert answers(tmp_path) == ["LAST"]


def test_sigterm_that_comes_before_a_child_has_begun_ends_it(tmp_path: Path) -> None:
    code = """
answer("before")
for _ in range(30):
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
"""
    finish(start(tmp_path, code))


def test_sigterm_ends_the_workers_of_a_pool_that_have_nothing_to_do(tmp_path: Path) -> None:
    code = """
import multiprocessing
answer("before")
for _ in range(10):
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pool.map(answer, ["0"])
"""
    finish(start(tmp_path, code))
    assert answers(tmp_path) == ["0"] * 10 + ["BEFORE"]


def test_sigterm_while_the_bus_is_away_leaves_it_on_disk_for_the_next_process(tmp_path: Path) -> None:
    (tmp_path / "bus").write_text("in the way")
    bus = f"sqlite:///{tmp_path}/bus/bus.db"
    process = start(tmp_path, ONE_CALL + "time.sleep(60)", DRIFTLINE_BUS=bus)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    with process:
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    (tmp_path / "bus").unlink()
    (tmp_path / "bus").mkdir()
    code = """
answer("next")
while driftline.stats().recovered < 1:
    time.sleep(0.01)
"""
    finish(start(tmp_path, code, DRIFTLINE_BUS=bus))


def test_sigterm_reaches_a_process_whose_lock_was_held_when_it_came(tmp_path: Path) -> None:
    code = """
lock = driftline.runtime._state.collector.pipeline._lock
def handle(*_):
    with lock:  # as if the signal had come while a call was being put into the queue
        signal.raise_signal(signal.SIGTERM)
signal.signal(signal.SIGUSR1, handle)
signal.raise_signal(signal.SIGUSR1)
time.sleep(60)
"""
    finish(start(tmp_path, ONE_CALL + code), -signal.SIGTERM)
    assert answers(tmp_path) == ["LAST"]


@pytest.mark.parametrize("order", ["before", "after", "chained", "switched off"])
def test_an_applications_own_way_with_sigterm_is_left_alone(tmp_path: Path, order: str) -> None:
    own = """
def handle(number, frame):
    if callable(before): before(number, frame)
    print("mine")
    sys.exit(3)
before = None
previous = signal.signal(signal.SIGTERM, handle)
"""
    terminate = "signal.raise_signal(signal.SIGTERM); time.sleep(60)\n"
    codes = {
        "before": own + ONE_CALL + terminate,
        "after": ONE_CALL + own + terminate,
        "chained": ONE_CALL + own + "before = previous; assert callable(before)\n" + terminate,
        "switched off": "driftline.init(handle_sigterm=False)\n"
        "assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL\n" + own + ONE_CALL + terminate,
    }
    assert finish(start(tmp_path, codes[order]), 3) == "ready\nmine\n"
    assert answers(tmp_path) == ["LAST"]


def test_an_exec_begins_anew(tmp_path: Path) -> None:
    code = """
if not sys.argv[1:]:
    answer("first")
    assert driftline.flush()
    os.execv(sys.executable, [sys.executable, "app.py", "again"])
answer("second")
"""
    finish(start(tmp_path, code))
    assert answers(tmp_path) == ["FIRST", "SECOND"]


class Endpoint:
    """Takes OTLP over HTTP on one port, and can go away with its connections and come back."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.reached = threading.Event()
        self.answers = threading.Event()
        self._port = 0
        self._connections: list[socket.socket] = []

    def come(self) -> None:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                endpoint._connections.append(self.request)
                super().setup()

            def do_POST(self) -> None:
                body = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
                endpoint.reached.set()
                if not endpoint.answers.is_set():
                    return
                if self.path == "/v1/traces":
                    endpoint.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the inherited name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, request: ExportTraceServiceRequest) -> None:
        for group in request.resource_spans:
            self.names += [span.name for scope in group.scope_spans for span in scope.spans]

    def go(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"


def test_a_process_that_stands_still_loses_nothing_and_is_not_out_of_time(tmp_path: Path) -> None:
    endpoint = Endpoint()
    endpoint.come()
    endpoint.answers.set()
    code = """
@observe
def first(): pass
@observe
def second(): pass
first()
assert driftline.flush(10)
print("ready", flush=True)
sys.stdin.readline()
second()
assert driftline.flush(1.0), driftline.stats()
"""
    process = start(tmp_path, code, DRIFTLINE_BUS=endpoint.url)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    assert endpoint.names == ["first"]
    endpoint.answers.clear()
    endpoint.reached.clear()
    process.stdin.write("\n")
    process.stdin.flush()
    assert endpoint.reached.wait(30)  # it is in the middle of sending, and waits for it
    process.send_signal(signal.SIGSTOP)
    endpoint.go()
    endpoint.answers.set()
    time.sleep(1.5)  # longer than it would wait, and than its first pause between two attempts
    endpoint.come()
    process.send_signal(signal.SIGCONT)
    with process:
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    assert endpoint.names == ["first", "second"]
    endpoint.go()
