"""Processes of a benchmark, started and stopped with a block; the embedded store is one of them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import psutil

from driftline_store.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline_store.client import Client

START_SECONDS = 120.0


@contextlib.contextmanager
def running(command: list[str], folder: Path, name: str, environ: dict[str, str]) -> Iterator[psutil.Process]:
    """Run a command in the folder, with its output in ``name.log`` there; at the end it is asked to stop."""
    with (folder / f"{name}.log").open("wb") as log:
        process = psutil.Popen(command, cwd=folder, env=os.environ | environ, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            process.kill()


@contextlib.contextmanager
def running_store(
    folder: Path, program: tuple[str, ...] = ("-m", "driftline_store.embedded")
) -> Iterator[tuple[psutil.Process, Client]]:
    """Run an embedded store on the folder, and connect to it."""
    with running([sys.executable, *program, "--data-dir", str(folder)], folder, "store", {}) as process:
        client = connect(folder, wait=START_SECONDS)
        yield process, client
        client.close()


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    """Wait until a server of Streamlit answers.

    Raises:
        OSError: it does not, for ``START_SECONDS``.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):  # noqa: S310  our own http address
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def settle(client: Client) -> None:
    """Wait until the store has merged what it wants to."""
    while int(client.command("SELECT count() FROM system.merges")):  # type: ignore[arg-type]
        time.sleep(0.2)


def made(folder: Path, name: str) -> Path:
    """A new folder inside."""
    path = folder / name.replace(" ", "-")
    path.mkdir()
    return path
