"""The process of the receiver: the port, the bus, HTTP, and an end that finishes what is under way."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
from typing import TYPE_CHECKING, Final

import uvicorn

from driftline.bus import open_bus
from driftline.errors import SettingsError
from driftline.receiver.app import make_app
from driftline.receiver.counts import Counts
from driftline.receiver.intake import Intake

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from starlette.applications import Starlette

    from driftline.settings import Settings

logger = logging.getLogger(__name__)

_STOP_SECONDS: Final = 8
"""Time for requests under way at the end; the supervisor gives a part 10 s."""

_CONNECTIONS: Final = 1000
_KEEP_ALIVE_SECONDS: Final = 75


def run(settings: Settings, stop: threading.Event) -> None:
    """Receive until ``stop`` is set, then finish the requests under way.

    Raises:
        SettingsError: the address cannot be listened on.
        BusError: the bus cannot be used at all; when it goes away later, senders are told to try again.
    """
    host, port = settings.receiver_host, settings.receiver_port
    if not settings.receiver_token and not _is_loopback(host):
        logger.warning("the receiver listens on %s without a token: whoever reaches it can write to the bus", host)
    counts = Counts()
    with (
        listening(host, port) as listener,
        open_bus(settings.bus_url, max_message_bytes=settings.max_message_bytes) as bus,
        contextlib.closing(bus.producer()) as producer,
    ):
        intake = Intake(producer, max_message_bytes=settings.max_message_bytes, counts=counts)
        app = make_app(
            intake,
            counts,
            token=settings.receiver_token,
            max_bytes=settings.receiver_max_bytes,
            guard=settings.guard_path,
        )
        logger.info("the receiver takes OTLP at http://%s:%d", host, port)
        _Server(_config(app), stop).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """Take the receiver's port.

    Raises:
        SettingsError: it is taken or not allowed, or there is no such address.
    """
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # With its protocol named, as asyncio turns Nagle's algorithm off only then.
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise SettingsError(
            f"the receiver cannot listen on {host}:{port} ({error.strerror}); stop what uses it, perhaps an "
            "OpenTelemetry Collector, or choose another port with --receiver-port or DRIFTLINE_RECEIVER_PORT"
        ) from None
    return listener


def _config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        http="h11",
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
        server_header=False,
    )


class _Server(uvicorn.Server):
    """Uvicorn that ends when the part is asked to; signals belong to the part."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event) -> None:
        super().__init__(config)
        self._stop = stop

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._stop.is_set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
