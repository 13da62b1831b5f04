"""``driftline up``: all parts on one machine, the embedded store included unless another one is named."""

from __future__ import annotations

import contextlib
import socket
import time
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

from driftline.bus import open_bus
from driftline.errors import DriftlineError, SettingsError, StoreError
from driftline.receiver.serve import listening
from driftline.settings import TABLE
from driftline_alerts.alerts_file import load_file
from driftline_cli.part import run_part
from driftline_cli.supervisor import Supervisor
from driftline_processors.prepare import prepare
from driftline_store.client import connect
from driftline_store.embedded import endpoint

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping

    from driftline.settings import Settings
    from driftline_cli.supervisor import Part

PARTS: Final = ("ingest", "receive", "judge", "alert", "dashboard")
_CHECK_SECONDS: Final = 0.5
_START_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1


def run(settings: Settings) -> None:
    """Start everything and keep it running until interrupted.

    Raises:
        DriftlineError: something cannot be started; says what and how to mend it.
    """
    console = Console(stderr=True, highlight=False)
    supervisor = Supervisor(settings.data_path / "logs", say=console.print)
    try:
        start(supervisor, settings)
        console.print(f"dashboard  http://{settings.dashboard_host}:{settings.dashboard_port}")
        console.print(f"receiver   http://{settings.receiver_host}:{settings.receiver_port}  (OTLP over HTTP)")
        console.print(f"bus        {_bus_name(settings)}", soft_wrap=True)
        console.print(f"logs       {settings.data_path / 'logs'}\nstop with Ctrl-C", soft_wrap=True)
        run_part(lambda _settings, stop: watch(supervisor, stop), settings)
    finally:
        supervisor.stop()


def start(supervisor: Supervisor, settings: Settings, extra: Mapping[str, str] | None = None) -> None:
    """Check what can be checked, then start the parts in the order in which they need each other.

    Args:
        supervisor: who starts and keeps them.
        settings: passed on to the parts through their environment.
        extra: further environment variables for the parts.

    Raises:
        DriftlineError: a port is taken, a file is wrong, the bus or the store cannot be used.
    """
    check(settings)
    environ = dict(_environ(settings)) | dict(extra or {})
    if not settings.store:
        store = supervisor.start("store", environ=environ)
        _wait_for_store(supervisor, store, settings)
    # Every part needs the schema, so it is brought up to date before the first of them looks.
    # In our own store no ingest can run yet.
    prepare(settings, replace_views=not settings.store).close()
    for part in PARTS:
        supervisor.start(part, environ=environ)


def wait_for_dashboard(supervisor: Supervisor, settings: Settings) -> None:
    """Wait until the dashboard answers, which is the last part to be ready.

    Raises:
        DriftlineError: a part failed, or the dashboard does not answer in time.
    """
    deadline = time.monotonic() + _START_SECONDS
    url = f"http://{settings.dashboard_host}:{settings.dashboard_port}/_stcore/health"
    while True:
        supervisor.check()
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as answer:
            if answer.status == HTTPStatus.OK:
                return
        if time.monotonic() > deadline:
            raise DriftlineError(
                f"the dashboard did not start within {_START_SECONDS:.0f} s; its log is beside the data"
            )
        time.sleep(_POLL_SECONDS)


def check(settings: Settings) -> None:
    """Find mistakes before anything runs.

    Raises:
        DriftlineError: what is wrong and how to mend it.
    """
    load_file(settings)
    host, port = settings.dashboard_host, settings.dashboard_port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"the dashboard cannot listen on {host}:{port} ({error.strerror}); "
                f"stop what uses it or choose another with --port"
            ) from None
    listening(settings.receiver_host, settings.receiver_port).close()
    with open_bus(settings.bus_url) as bus:
        bus.producer().close()
    if settings.store:
        connect(settings).close()


def watch(supervisor: Supervisor, stop: threading.Event) -> None:
    """Keep the parts running until ``stop`` is set.

    Raises:
        DriftlineError: a part failed right after its first start.
    """
    while not stop.wait(_CHECK_SECONDS):
        supervisor.check()


def _wait_for_store(supervisor: Supervisor, store: Part, settings: Settings) -> None:
    """Wait until the store that answers is the one that we started."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        supervisor.check()
        found = endpoint(settings.data_path)
        if found is not None and store.process is not None and found.pid == store.process.pid:
            return
        if time.monotonic() > deadline:
            raise StoreError(f"the store did not start within {_START_SECONDS:.0f} s; its log is {store.log}")
        time.sleep(_POLL_SECONDS)


def _environ(settings: Settings) -> Iterator[tuple[str, str]]:
    """The settings as the environment of the parts, so that files and arguments are read once."""
    values: Mapping[str, Any] = settings.values
    for setting in TABLE:
        yield setting.env, str(values[setting.name])


def _bus_name(settings: Settings) -> str:
    with open_bus(settings.bus_url) as bus:
        return bus.url
