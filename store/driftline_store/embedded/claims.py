"""What one process at a time can have: the data folder and a port."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from typing import TYPE_CHECKING

from driftline.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.1"
LOCK_NAME = "store.lock"


def make_folder(data_path: Path) -> None:
    """Make the data folder, or make it private.

    Raises:
        StoreError: it cannot be used.
    """
    try:
        data_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        data_path.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"the data folder {data_path} cannot be used: {error.strerror}; choose another with --data-dir"
        ) from None


@contextlib.contextmanager
def locked(data_path: Path) -> Iterator[None]:
    """Hold the data folder for this process.

    Raises:
        StoreError: another process holds it.
    """
    # The kernel frees the lock with the process, also after kill -9. Nothing deletes the file: another
    # process could then lock a new one of the same name.
    with (data_path / LOCK_NAME).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise StoreError(
                f"another driftline (process {owner}) already uses the data folder {data_path}; "
                "stop it, or choose another with --data-dir"
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def listening(port: int, last_port: int) -> socket.socket:
    """Take a port on loopback.

    Args:
        port: the one to take; 0: any.
        last_port: tried first when any will do; 0: there was none.

    Raises:
        StoreError: the port is taken or not allowed.
    """
    # The last run's port first: clients that wait out a restart then find the store again by themselves.
    for candidate in (port,) if port else (last_port, 0):
        # asyncio turns Nagle's algorithm off only for sockets that name TCP; with it each answer takes
        # 40 ms more.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
        except OSError as error:
            listener.close()
            if port or not candidate:
                raise StoreError(
                    f"the store cannot listen on {HOST}:{port}: {error.strerror}; "
                    "stop what uses the port, or choose another"
                ) from None
        else:
            return listener
    raise AssertionError("port 0 is always tried last")  # pragma: no cover
