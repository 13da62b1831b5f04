"""Runs the dashboard: Streamlit as a process of its own, watched until it shall stop."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final

from driftline.errors import DriftlineError, SettingsError
from driftline.settings import TABLE
from driftline_dashboard.child import STARTED_BY
from driftline_dashboard.theme import STREAMLIT_THEME

if TYPE_CHECKING:
    import threading

    from driftline.settings import Settings

logger = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.2
_STOP_SECONDS: Final = 5.0
OPTIONS: Final = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.enableXsrfProtection": "true",
    "server.enableCORS": "true",
    "server.enableStaticServing": "false",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",  # no traceback on a page
    "client.showSidebarNavigation": "false",
    "global.developmentMode": "false",
    "logger.hideWelcomeMessage": "true",
    "logger.level": "warning",
}
"""Of Streamlit, beside address, port and theme."""
_NEEDED_SECRETS: Final = frozenset({"store"})


def run(settings: Settings, stop: threading.Event) -> None:
    """Serve the dashboard until ``stop`` is set.

    Raises:
        SettingsError: the address cannot be listened on.
        DriftlineError: Streamlit ended by itself.
    """
    host, port = str(settings.dashboard_host), int(settings.dashboard_port)
    _check_free(host, port)
    process = subprocess.Popen(_command(host, port), env=_environ(settings), stdin=subprocess.DEVNULL)
    try:
        _watch(process, stop, f"http://{_reachable(host)}:{port}")
    finally:
        _end(process)


def _watch(process: subprocess.Popen[bytes], stop: threading.Event, url: str) -> None:
    is_up = False
    while not stop.wait(_POLL_SECONDS):
        if process.poll() is not None:
            raise DriftlineError(
                f"the dashboard's web server ended by itself (exit code {process.returncode}); "
                "its last lines above say why; start it again with: driftline dashboard"
            )
        if not is_up and _answers(url):
            is_up = True
            logger.info("the dashboard answers at %s", url)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _command(host: str, port: int) -> list[str]:
    options = OPTIONS | STREAMLIT_THEME | {"server.address": host, "server.port": str(port)}
    app = Path(__file__).with_name("app.py")
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "driftline_dashboard.child", "run", str(app), *arguments]


def _environ(settings: Settings) -> dict[str, str]:
    """Our environment with the settings as they were resolved, and without secrets that the page has no use for."""
    environ = {**os.environ, STARTED_BY: str(os.getpid())}
    for setting in TABLE:
        if setting.secret and setting.name not in _NEEDED_SECRETS:
            for variable in (setting.env, setting.also):
                environ.pop(variable or "", None)
        else:
            environ[setting.env] = str(settings.values[setting.name])
    return environ


def _check_free(host: str, port: int) -> None:
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SettingsError(
            f"the dashboard cannot listen on {host}:{port} ({error.strerror}); "
            "stop what uses it or choose another with --port"
        ) from None


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/_stcore/health", timeout=1) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
