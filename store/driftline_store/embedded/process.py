"""The process of the embedded store: lock, repair, engine, HTTP, and a clean end."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn

from driftline.errors import StoreError
from driftline_store.embedded import address
from driftline_store.embedded.address import Endpoint
from driftline_store.embedded.claims import HOST, listening, locked, make_folder
from driftline_store.embedded.dedup_log import repair
from driftline_store.embedded.engine import Engine
from driftline_store.embedded.model import EngineError
from driftline_store.embedded.request import USER
from driftline_store.embedded.server import MAX_BODY_BYTES, make_app

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from starlette.applications import Starlette

logger = logging.getLogger(__name__)

ENGINE_FOLDER = "store"
SCRATCH_FOLDER = "scratch"
# As ClickHouse's http_max_uri_size: settings travel in the URL, a Protobuf schema among them.
_MAX_URL_BYTES = 1_048_576
_STOP_SECONDS = 30
# Longer than clickhouse-connect keeps its connections, so that it is never the store that closes one first.
_KEEP_ALIVE_SECONDS = 900


def serve(data_path: Path, *, port: int = 0, with_parent: bool = False, max_body_bytes: int = MAX_BODY_BYTES) -> None:
    """Run the embedded store until SIGTERM or SIGINT; call it in the main thread.

    Takes the data folder for this process, mends what a crash left behind, opens the engine, and writes
    ``store.json`` (address and login, mode 0600) as soon as it answers. At the end it finishes the
    statements under way, for up to 30 s, and closes the engine. Changes the process's working directory to
    the data folder's ``scratch``, where the engine leaves files, and its ``TZ`` to UTC.

    Args:
        data_path: the data folder; created with mode 0700.
        port: TCP port on 127.0.0.1; 0 takes the port of the last run if it is free, else any.
        with_parent: stop when the process that started this one is gone.
        max_body_bytes: largest request, in bytes.

    Raises:
        StoreError: the folder is in use or cannot be used, the port is taken, or the engine does not open.
    """
    parent = os.getppid()
    data_path = data_path.absolute()
    make_folder(data_path)
    with locked(data_path):
        known = address.read(data_path)
        with listening(port, known.port if known else 0) as listener:
            here = Endpoint(
                host=HOST,
                port=listener.getsockname()[1],
                user=USER,
                password=known.password if known else secrets.token_urlsafe(24),
                pid=os.getpid(),
            )
            engine = _open_engine(data_path)
            app = make_app(engine, here.password, max_body_bytes=max_body_bytes)
            server = _Server(_uvicorn_config(app), lambda: _announce(data_path, here))
            if with_parent:
                threading.Thread(target=_follow, args=(parent, server), name="parent", daemon=True).start()
            with _signals(server.handle_exit):
                try:
                    server.run(sockets=[listener])
                finally:
                    address.write(data_path, replace(here, ready=False))
                    _close(engine)


def _close(engine: Engine) -> None:
    if not engine.close(_STOP_SECONDS):
        logger.warning("statements still ran after %d s; the store stops without them", _STOP_SECONDS)


def _uvicorn_config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,  # its lines would carry whole queries
        lifespan="off",
        ws="none",
        http="h11",
        h11_max_incomplete_event_size=_MAX_URL_BYTES,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
        server_header=False,
    )


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
        # Uvicorn's own raises the signal again at its end, before the engine is closed; serve() has handlers.
        yield


@contextlib.contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _announce(data_path: Path, here: Endpoint) -> None:
    address.write(data_path, here)
    logger.info("the store of %s answers at %s", data_path, here.url)


def _follow(parent: int, server: uvicorn.Server) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    logger.info("the process that started the store is gone; stopping")
    server.should_exit = True


def _open_engine(data_path: Path) -> Engine:
    folder = data_path / ENGINE_FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    removed = repair(folder)
    if removed:
        logger.warning(
            "removed %d deduplication entries of blocks that a crash lost; they will be stored again", removed
        )
    _enter_scratch(data_path)
    os.environ["TZ"] = "UTC"  # the engine reads it once; columns without a time zone then mean UTC
    try:
        return Engine(str(folder))
    except EngineError as error:
        raise StoreError(f"the store in {folder} cannot be opened: {error}") from None


def _enter_scratch(data_path: Path) -> None:
    # The engine keeps Protobuf schemas that come in settings in ``__cache__`` of the working directory, and
    # no option moves it. An empty one at each start cannot hold a file that a crash cut short.
    scratch = data_path / SCRATCH_FOLDER
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    os.chdir(scratch)
