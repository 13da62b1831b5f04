"""The dashboard's server for tests, started as users start it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from typing import TYPE_CHECKING

from driftline import settings
from driftline_dashboard.serve import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as response:  # noqa: S310 - our own http URL
            return bool(response.status == 200)
    except OSError:
        return False


def until_up(url: str, is_alive: Callable[[], bool]) -> None:
    """Wait until an app of Streamlit answers."""
    deadline = time.monotonic() + START_SECONDS
    while not is_up(url):
        assert is_alive(), f"what serves {url} ended"
        assert time.monotonic() < deadline, f"what serves {url} did not start"
        time.sleep(0.1)


@contextlib.contextmanager
def serving(data_path: Path) -> Iterator[str]:
    """Run the dashboard on a data folder for the time of the block; gives its address."""
    port, stop = free_port(), threading.Event()
    url = f"http://127.0.0.1:{port}"
    thread = threading.Thread(target=run, args=(settings.load({}, data_dir=str(data_path), dashboard_port=port), stop))
    thread.start()
    try:
        until_up(url, thread.is_alive)
        yield url
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()
    assert not is_up(url)


@contextlib.contextmanager
def serving_empty(folder: Path) -> Iterator[str]:
    """Run an app of Streamlit that shows nothing for the time of the block; gives its address."""
    port, app = free_port(), folder / "empty.py"
    app.write_text("import streamlit\n", encoding="utf-8")
    options = (f"--server.port={port}", "--server.headless=true", "--browser.gatherUsageStats=false")
    process = subprocess.Popen([sys.executable, "-m", "streamlit", "run", str(app), *options])
    url = f"http://127.0.0.1:{port}"
    try:
        until_up(url, lambda: process.poll() is None)
        yield url
    finally:
        process.terminate()
        process.wait(30)
