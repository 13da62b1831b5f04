"""The process of the embedded store: lock, repair, engine, HTTP, and a clean end."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import uvicorn

from driftline.errors import StoreError
from driftline_store.embedded import address
from driftline_store.embedded.dedup_log import repair
from driftline_store.embedded.address import Endpoint
from driftline_store.embedded.engine import Engine, EngineError
from driftline_store.embedded.request import USER
from driftline_store.embedded.server import MAX_BODY_BYTES, make_app

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
LOCK_NAME = "store.lock"
ENGINE_FOLDER = "store"
# As ClickHouse's http_max_uri_size: settings travel in the URL, a Protobuf schema among them.
_MAX_URL_BYTES = 1_048_576
_STOP_SECONDS = 30


def serve(
    data_path: Path, *, port: int = 0, with_parent: bool = False, max_body_bytes: int = MAX_BODY_BYTES
) -> None:
    """Run the embedded store until SIGTERM or SIGINT; call it in the main thread.

    Takes the data folder for this process, mends what a crash left behind, opens the engine, and writes
    ``store.json`` (address and login, mode 0600) as soon as it answers. At the end it finishes the
    statements under way, for up to 30 s, and closes the engine.

    Args:
        data_path: the data folder; created with mode 0700.
        port: TCP port on 127.0.0.1; 0 takes the port of the last run if it is free, else any.
        with_parent: stop when the process that started this one is gone.
        max_body_bytes: largest request, in bytes.

    Raises:
        StoreError: the folder is in use or cannot be used, the port is taken, or the engine does not open.
    """
    parent = os.getppid()
    _make_folder(data_path)
    with _locked(data_path):
        known = address.read(data_path)
        with _listening(port, known.port if known else 0) as listener:
            engine = _open_engine(data_path)
            here = Endpoint(
                host=HOST,
                port=listener.getsockname()[1],
                user=USER,
                password=known.password if known else secrets.token_urlsafe(24),
                pid=os.getpid(),
            )
            try:
                _run(engine, here, listener, data_path, parent if with_parent else None, max_body_bytes)
            finally:
                address.write(data_path, replace(here, ready=False))
                if not engine.close(_STOP_SECONDS):
                    logger.warning("statements still ran after %d s; the store stops without them", _STOP_SECONDS)


def _run(
    engine: Engine, here: Endpoint, listener: socket.socket, data_path: Path, parent: int | None, max_body_bytes: int
) -> None:
    config = uvicorn.Config(
        make_app(engine, here.password, max_body_bytes=max_body_bytes),
        log_config=None,
        log_level="warning",
        access_log=False,  # its lines would carry whole queries
        lifespan="off",
        ws="none",
        http="h11",
        h11_max_incomplete_event_size=_MAX_URL_BYTES,
        timeout_keep_alive=300,
        timeout_graceful_shutdown=_STOP_SECONDS,
        server_header=False,
    )
    server = _Server(config, lambda: _announce(data_path, here))
    if parent is not None:
        threading.Thread(target=_follow, args=(parent, server), name="parent", daemon=True).start()
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Uvicorn, saying when it answers, and returning after a signal instead of dying of it."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Uvicorn's own raises the signal again at the end, which would leave no time to close the engine.
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if self.should_exit else handler)


def _announce(data_path: Path, here: Endpoint) -> None:
    address.write(data_path, here)
    logger.info("the store of %s answers at %s", data_path, here.url)


def _follow(parent: int, server: uvicorn.Server) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    logger.info("the process that started the store is gone; stopping")
    server.should_exit = True


def _make_folder(data_path: Path) -> None:
    try:
        data_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        data_path.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"the data folder {data_path} cannot be used: {error.strerror}; choose another with --data-dir"
        ) from None


@contextlib.contextmanager
def _locked(data_path: Path) -> Iterator[None]:
    # The kernel frees the lock with the process, also after kill -9. Nothing deletes the file: that would free its name.
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


def _listening(port: int, last_port: int) -> socket.socket:
    # The last run's port first: clients that wait out a restart then find the store again by themselves.
    for candidate in (port,) if port else (last_port, 0):
        # asyncio turns Nagle's algorithm off only for sockets that name TCP; with it an answer takes 40 ms more.
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


def _open_engine(data_path: Path) -> Engine:
    folder = data_path / ENGINE_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    removed = repair(folder)
    if removed:
        logger.warning("removed %d deduplication entries of blocks that a crash lost; they will be stored again", removed)
    try:
        return Engine(str(folder))
    except EngineError as error:
        raise StoreError(f"the store in {folder} cannot be opened: {error}") from None
