"""Every mistake of a user ends in one sentence that says what and how to mend it, exit code 1, no traceback."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from driftline_store.embedded import endpoint
from store_fixtures import lay_prepared, running_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from store_fixtures import RunningStore

pytestmark = pytest.mark.slow


def run(*arguments: str, folder: Path, timeout: float = 60, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in an empty folder."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DRIFTLINE_", "OPENAI_"))}
    return subprocess.run(
        [sys.executable, "-m", "driftline_cli", *arguments],
        cwd=folder,
        env=clean | {"DRIFTLINE_DATA_DIR": str(folder / "data")} | environ,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error, besides what a part logs about its work."""
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.strip().splitlines() if " INFO " not in line]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("driftline: ")
    return lines[0]


@pytest.fixture
def store_url(embedded_store: RunningStore) -> str:
    at = embedded_store.endpoint
    return f"clickhouse://{at.user}:{at.password}@{at.host}:{at.port}/default"


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports() -> tuple[str, ...]:
    """Options of ``up`` for ports that nothing else uses."""
    return ("--port", str(free_port()), "--receiver-port", str(free_port()))


@pytest.mark.parametrize("command", ["up", "ingest"])
def test_an_unreachable_kafka(tmp_path: Path, store_url: str, command: str) -> None:
    port = free_port()
    arguments = free_ports() if command == "up" else ()
    bus = f"kafka://127.0.0.1:{port}"
    said = sentence(run(command, "--bus", bus, *arguments, folder=tmp_path, DRIFTLINE_STORE=store_url))
    assert f"127.0.0.1:{port}" in said


def test_a_wrong_password_of_the_store_is_not_repeated(tmp_path: Path, store_url: str) -> None:
    url = re.sub("//.*@", "//driftline:wrong-secret@", store_url)
    said = sentence(run("status", "--store", url, folder=tmp_path))
    assert "password" in said
    assert "wrong-secret" not in said


def test_no_store_running(tmp_path: Path) -> None:
    assert "driftline up" in sentence(run("status", folder=tmp_path))


def test_bad_yaml_names_file_and_line(tmp_path: Path) -> None:
    rules = tmp_path / "alerts.yaml"
    rules.write_text("rules:\n  - name: x\n    metric: qualty\n    window: 1h\n    below: 0.85\n")
    said = sentence(run("up", *free_ports(), folder=tmp_path))
    assert "alerts.yaml" in said
    assert "line" in said
    assert "quality" in said, "it names what was probably meant"


def test_a_port_in_use(tmp_path: Path, taken_port: int) -> None:
    said = sentence(run("up", "--port", str(taken_port), folder=tmp_path))
    assert str(taken_port) in said
    assert "--port" in said


@pytest.mark.parametrize("command", ["up", "receive"])
def test_a_taken_receiver_port_says_how_to_choose_another(tmp_path: Path, taken_port: int, command: str) -> None:
    arguments = ("--port", str(free_port())) if command == "up" else ()
    said = sentence(run(command, *arguments, "--receiver-port", str(taken_port), folder=tmp_path))
    assert str(taken_port) in said
    assert "--receiver-port" in said
    assert "DRIFTLINE_RECEIVER_PORT" in said


def test_a_second_up_on_the_same_data(tmp_path: Path) -> None:
    with running_store(tmp_path / "data"):
        said = sentence(run("up", *free_ports(), folder=tmp_path))
    assert "already uses the data folder" in said


def test_a_setting_of_the_wrong_type_names_where_it_came_from(tmp_path: Path) -> None:
    said = sentence(run("status", folder=tmp_path, DRIFTLINE_JUDGE_RATE="one percent"))
    assert "judge_rate" in said
    assert "DRIFTLINE_JUDGE_RATE" in said


def test_an_unknown_setting_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "driftline.toml").write_text("juge_rate = 0.1\n")
    said = sentence(run("status", folder=tmp_path))
    assert "juge_rate" in said
    assert "driftline.toml" in said


@pytest.mark.parametrize("package", ["typer", "chdb", "streamlit", "clickhouse_connect", "uvicorn", "starlette"])
def test_a_missing_extra_names_the_command_that_installs_it(tmp_path: Path, store_url: str, package: str) -> None:
    commands = {"chdb": "store", "streamlit": "dashboard", "uvicorn": "receive", "starlette": "receive"}
    command = commands.get(package, "status")
    program = f"import sys; sys.modules[{package!r}] = None; from driftline_cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, command],
        cwd=tmp_path,
        env=os.environ | {"DRIFTLINE_DATA_DIR": str(tmp_path / "data"), "DRIFTLINE_STORE": store_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = sentence(result)
    assert package in said
    assert "pip install 'driftline[server]'" in said


def test_up_stops_in_order_and_leaves_nothing_running(tmp_path: Path) -> None:
    lay_prepared(tmp_path)
    environ = os.environ | {"DRIFTLINE_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "driftline_cli", "up", *free_ports()]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while endpoint(tmp_path) is None or not (tmp_path / "logs" / "dashboard.log").exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(2)
        process.terminate()
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.communicate()
    assert endpoint(tmp_path) is None
