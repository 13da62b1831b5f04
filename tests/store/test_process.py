"""The process of the embedded store: one owner, a private login, restarts, signals."""

from __future__ import annotations

import contextlib
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from driftline.errors import StoreError
from driftline_store.client import connect, is_transient
from driftline_store.embedded import endpoint
from store_fixtures import running_store, start_store


def run_to_its_end(path: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "driftline_store.embedded", "--data-dir", str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stderr.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_second_store_on_the_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with running_store(tmp_path) as store:
        code, said = run_to_its_end(tmp_path)
        assert code == 1
        assert said == (
            f"another driftline (process {store.process.pid}) already uses the data folder {tmp_path}; "
            "stop it, or choose another with --data-dir"
        )
        assert store.client().command("SELECT 1") == 1  # the first is none the worse


def test_a_taken_port_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = run_to_its_end(tmp_path, "--port", str(port))
    assert code == 1
    assert said.startswith(f"the store cannot listen on 127.0.0.1:{port}: ")
    assert "choose another" in said
    assert "\n" not in said


def test_a_given_port_is_used(tmp_path: Path) -> None:
    port = free_port()
    with running_store(tmp_path, "--port", str(port)) as store:
        assert store.endpoint.port == port


def test_only_the_owner_can_read_folder_and_login(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    with running_store(data) as store:
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert stat.S_IMODE((data / "store.json").stat().st_mode) == 0o600
        assert len(store.endpoint.password) >= 32
        assert store.endpoint.password not in store.log() + repr(store.endpoint)


def test_a_clean_stop_exits_with_0_and_takes_the_address_back(tmp_path: Path) -> None:
    with running_store(tmp_path) as store:
        assert store.stop() == 0
        assert endpoint(tmp_path) is None
        with pytest.raises(StoreError, match="start it with: driftline up"):
            connect(tmp_path)
        assert "Traceback" not in store.log()


def test_after_kill_9_a_restart_has_the_data_the_port_and_the_password(tmp_path: Path) -> None:
    with running_store(tmp_path) as store:
        client = store.client()
        client.command("CREATE TABLE t (a Int64) ENGINE = MergeTree ORDER BY a")
        client.insert("t", [[1], [2]], ["a"])
        before = store.endpoint
        store.kill()
        assert endpoint(tmp_path) is None
    with running_store(tmp_path) as store:
        assert (store.endpoint.url, store.endpoint.password) == (before.url, before.password)
        assert client.command("SELECT sum(a) FROM t") == 3  # the old client goes on


def test_a_stop_lets_running_statements_finish(tmp_path: Path) -> None:
    results: list[object] = []
    with running_store(tmp_path) as store:
        client = store.client()
        slow = "SELECT count(sleepEachRow(0.1)) FROM numbers(15) SETTINGS max_block_size = 1"
        thread = threading.Thread(target=lambda: results.append(client.command(slow)))
        thread.start()
        time.sleep(0.5)
        assert store.stop() == 0
        thread.join()
    assert results == [15]


def test_a_store_with_parent_ends_when_its_parent_dies(tmp_path: Path) -> None:
    parent_code = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-m', 'driftline_store.embedded', '--with-parent',"
        " '--data-dir', sys.argv[1]], stderr=subprocess.DEVNULL)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_code, str(tmp_path)])
    connect(tmp_path, wait=60).close()
    found = endpoint(tmp_path)
    assert found is not None
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while endpoint(tmp_path) is not None:
        assert time.monotonic() < deadline, f"process {found.pid} still runs"
        time.sleep(0.05)


def test_a_client_can_wait_for_a_store_that_is_starting(tmp_path: Path) -> None:
    starter = threading.Timer(0.5, lambda: stores.append(start_store(tmp_path)))
    stores: list[object] = []
    starter.start()
    try:
        client = connect(tmp_path, wait=60)
        assert client.command("SELECT 1") == 1
    finally:
        starter.join()
        for store in stores:
            store.stop()  # type: ignore[attr-defined]


def test_a_relative_folder_works_and_the_engine_leaves_nothing_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = Path("data")
    with running_store(relative) as store:
        client = store.client()
        client.command("CREATE TABLE t (a UInt64) ENGINE = Memory")
        schema = {
            "format_schema_source": "string",
            "format_schema": 'syntax = "proto3"; message Row { uint64 a = 1; }',
            "format_schema_message_name": "Row",
        }
        client.raw_insert("t", ["a"], b"\x02\x08\x07", schema, fmt="Protobuf")
        assert client.command("SELECT a FROM t") == 7
    assert [file.name for file in tmp_path.iterdir()] == ["data"]


def test_a_damaged_address_file_does_not_stop_a_start(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"host": "127', encoding="utf-8")
    assert endpoint(tmp_path) is None
    with running_store(tmp_path) as store:
        assert store.client().command("SELECT 1") == 1


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, below which not even root can make a folder", encoding="utf-8")
    code, said = run_to_its_end(tmp_path / "taken" / "data")
    assert code == 1
    assert "cannot be used" in said


def test_without_room_an_insert_is_refused_for_a_while_and_its_redo_is_stored(tmp_path: Path) -> None:
    with running_store(tmp_path) as store, contextlib.closing(store.client()) as client:
        client.command(
            "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100"
        )
        reserved = client.query("SELECT getSetting('min_free_disk_bytes_to_perform_insert')").result_rows[0][0]
        assert reserved > 0

        def insert(**more: object) -> None:
            settings = {"insert_deduplication_token": "one"} | more
            client.raw_insert("t", ["a"], b"1\n" * 100, settings, "CSV")

        with pytest.raises(DatabaseError) as caught:
            insert(min_free_disk_bytes_to_perform_insert=2**62)
        assert is_transient(caught.value)
        for _ in range(2):
            insert()
        assert client.query("SELECT count() FROM t").result_rows == [(100,)]
