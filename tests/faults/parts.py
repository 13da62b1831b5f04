"""The processes that faults happen to: the store and the members of ingest, kept running as ``up`` does."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from driftline_store.embedded import endpoint
from store_fixtures import RunningStore, start_store

if TYPE_CHECKING:
    from collections.abc import Iterator

SESSION_SECONDS = 3.0
"""How long a member of ingest may be silent; ten times shorter waits than users have, with the same code."""

STORE_BYTES = 1024 * 1024 * 1024
_START_SECONDS = 90.0


class Store:
    """The embedded store, on a file system of its own where this machine lets us make one."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data"
        self.path.mkdir()
        self.is_small = _mounted(self.path)
        self.lock = threading.Lock()
        self._disk = threading.Lock()
        self._running = start_store(self.path, prepared=True)

    @property
    def port(self) -> int:
        found = endpoint(self.path)
        return found.port if found else 0

    def url(self, port: int) -> str:
        """The store's URL as somebody sees it who reaches it at another port."""
        login = self._running.endpoint
        return f"clickhouse://{login.user}:{login.password}@127.0.0.1:{port}/default"

    @contextlib.contextmanager
    def dead(self) -> Iterator[None]:
        """Killed for the time of the block."""
        with self.lock:
            self._running.kill()
            yield
            self._start()

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Without space for the time of the block."""
        ballast = self.path / "ballast"
        with self._disk:
            try:
                with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                    while file.write(bytes(65_536)):
                        pass
                yield
            finally:
                ballast.unlink()

    def stop(self, keep_in: Path | None = None) -> None:
        """End it; its data goes with the file system unless it is copied."""
        self._running.stop()
        if keep_in is not None:
            shutil.copytree(self.path, keep_in, symlinks=True)
        if self.is_small:
            subprocess.run(["umount", "-l", str(self.path)], check=False)

    def running(self) -> RunningStore:
        """The store, started again if it has died of a fault."""
        with self.lock:
            if self._running.process.poll() is not None:
                self._start()
            return self._running

    def _start(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._running = start_store(self.path)
            except (AssertionError, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return


def _mounted(path: Path) -> bool:
    """Whether a small file system could be mounted there, which takes rights."""
    if shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={STORE_BYTES}", "tmpfs", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Member:
    """One ingest process."""

    def __init__(self, folder: Path, name: str, environ: dict[str, str]) -> None:
        self._folder = folder
        self.log = folder / f"{name}.log"
        self._environ = {key: value for key, value in os.environ.items() if not key.startswith("DRIFTLINE_")} | environ
        self.lock = threading.Lock()
        self.exits: list[str] = []
        self._process = self._start()

    def keep_running(self) -> None:
        """As the supervisor does."""
        with self.lock:
            if self._process.poll() is not None:
                words = self.log.read_text(errors="replace").strip().splitlines() or ["nothing"]
                self.exits.append(f"{self._process.returncode}: {words[-1][:300]}")
                self._process = self._start()

    def kill(self) -> None:
        with self.lock:
            self._process.kill()
            self._process.wait()
            self._process = self._start()

    def pause(self, seconds: float) -> None:
        """Let it sleep so long that its partitions are given away, and then go on as if nothing had been."""
        with self.lock:
            self._process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        with self.lock:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        script = str(Path(__file__).with_name("ingest_main.py"))
        command = [sys.executable, script, str(SESSION_SECONDS), "ingest"]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, env=self._environ, cwd=self._folder, stdout=log, stderr=log)
