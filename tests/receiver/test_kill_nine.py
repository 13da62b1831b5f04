"""kill -9 of the receiver under load: whatever it acknowledged is on the bus."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from receiver_support import Sender, free_port, on_bus, spans_request, wait_until_up

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 5
CLIENTS = 4


def start(path: Path, port: int) -> subprocess.Popen[bytes]:
    environ = os.environ | {"DRIFTLINE_DATA_DIR": str(path)}
    command = [sys.executable, "-m", "driftline_cli", "receive", "--receiver-port", str(port)]
    with (path / "receiver.log").open("ab") as log:
        process = subprocess.Popen(command, env=environ, stderr=log)
    wait_until_up(Sender(port))
    return process


def keep_posting(sender: Sender, stop: threading.Event, acknowledged: list[bytes]) -> None:
    while not stop.is_set():
        body = spans_request(200, 200, trace_id=uuid.uuid4().bytes).SerializeToString()
        with contextlib.suppress(OSError, http.client.HTTPException):
            if sender.post(body).status == 200:
                acknowledged.append(body)


@pytest.mark.slow
def test_everything_acknowledged_is_on_the_bus(tmp_path: Path) -> None:
    port, stop = free_port(), threading.Event()
    acknowledged: list[bytes] = []
    process = start(tmp_path, port)
    clients = [threading.Thread(target=keep_posting, args=(Sender(port), stop, acknowledged)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for _ in range(ROUNDS):
            before, deadline = len(acknowledged), time.monotonic() + 30
            while len(acknowledged) < before + 20:
                assert time.monotonic() < deadline, (tmp_path / "receiver.log").read_text()
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.2))
            process.kill()
            process.wait()
            process = start(tmp_path, port)
    finally:
        stop.set()
        for client in clients:
            client.join()
        process.terminate()
    assert process.wait(30) == 0, "it stops in order when asked to"
    stored = on_bus(f"sqlite:///{tmp_path / 'bus.db'}")
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored)), "nothing is stored twice that was sent once"
