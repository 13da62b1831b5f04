"""Starting and stopping the dashboard's server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from dashboard.serving import free_port, is_up, serving
from driftline import settings
from driftline.errors import DriftlineError, SettingsError
from driftline_dashboard import serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_it_answers_until_it_is_stopped(tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        assert is_up(url)


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"cannot listen on 127\.0\.0\.1:{port} .*--port"):
            serve.run(settings.load({}, dashboard_port=port), threading.Event())


def test_a_host_that_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"cannot listen on host\.invalid"):
        serve.run(settings.load({}, dashboard_host="host.invalid"), threading.Event())


def test_a_server_that_dies_is_an_error(tmp_path: Path) -> None:
    port = free_port()
    stop = threading.Event()

    def kill() -> None:
        until(lambda: is_up(f"http://127.0.0.1:{port}"))
        servers_of(os.getpid(), port)[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(DriftlineError, match="ended by itself"):
        serve.run(settings.load({}, data_dir=str(tmp_path), dashboard_port=port), stop)
    killer.join()


def servers_of(pid: int, port: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if f"--server.port={port}" in child.cmdline()]


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.6, 1.0, None])
def test_the_server_does_not_outlive_a_killed_starter(tmp_path: Path, seconds: float | None) -> None:
    port = free_port()
    code = (
        "import threading; from driftline import settings; from driftline_dashboard.serve import run; "
        "run(settings.load(), threading.Event())"
    )
    environ = os.environ | {"DRIFTLINE_DATA_DIR": str(tmp_path), "DRIFTLINE_DASHBOARD_PORT": str(port)}
    starter = subprocess.Popen([sys.executable, "-c", code], env=environ)
    until(lambda: bool(servers_of(os.getpid(), port)))
    [server] = servers_of(os.getpid(), port)
    if seconds is None:
        until(lambda: is_up(f"http://127.0.0.1:{port}"))
    else:
        time.sleep(seconds)  # some moment of its start
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, 20)
    assert not is_up(f"http://127.0.0.1:{port}")


def test_no_secret_in_the_arguments_and_only_the_stores_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DRIFTLINE_SLACK_WEBHOOK_URL", "DRIFTLINE_JUDGE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, "not for the page")
    loaded = settings.load(store="clickhouse://u:hidden@host:1/db", data_dir="/some/folder")
    environ = serve._environ(loaded)
    assert "not for the page" not in environ.values()
    assert environ["DRIFTLINE_STORE"] == "clickhouse://u:hidden@host:1/db"
    assert environ["DRIFTLINE_DATA_DIR"] == "/some/folder"
    assert "hidden" not in " ".join(serve._command("127.0.0.1", 1))
    again = settings.load(environ)
    assert {**again.values, "slack_webhook_url": "", "judge_api_key": ""} == {
        **loaded.values, "slack_webhook_url": "", "judge_api_key": ""
    }  # fmt: skip
