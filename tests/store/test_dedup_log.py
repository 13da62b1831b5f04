"""The engine's crash between its deduplication log and its part: seen, mended, and counted."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from driftline_store.client import is_transient
from driftline_store.embedded.dedup_log import Part, parse_part, repair
from store_fixtures import running_store, start_store

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

TABLE = (
    "CREATE TABLE IF NOT EXISTS t (p UInt8, a UInt64, b UInt8) ENGINE = MergeTree PARTITION BY p ORDER BY a"
    " SETTINGS non_replicated_deduplication_window = 1000"
)
# The bare engine in a process of its own, opened without the repair.
SCRIPT = """
import json, sys
from driftline_store.embedded.engine import Engine
from driftline_store.embedded.model import Statement
engine = Engine(sys.argv[1])
for text, settings in json.load(sys.stdin):
    print(json.dumps(engine.run(Statement(text.encode(), settings)).body.decode()))
engine.close()
"""


def run_engine(folder: Path, *statements: str | tuple[str, str]) -> list[str]:
    """Run statements; one given as a pair is an insert with its token."""
    pairs = [(s, {}) if isinstance(s, str) else (s[0], {"insert_deduplication_token": s[1]}) for s in statements]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)],
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def insert(token: int, partition: int = 1) -> tuple[str, str]:
    return f"INSERT INTO t (p, a) FORMAT CSV\n{partition},{token}\n", f"token {token}"


def table_folder(engine_folder: Path) -> Path:
    (logs,) = engine_folder.glob("store/*/*/deduplication_logs")
    return logs.parent


def log_lines(engine_folder: Path) -> list[bytes]:
    logs = (table_folder(engine_folder) / "deduplication_logs").iterdir()
    return sorted(line for log in logs for line in log.read_bytes().splitlines())


def simulate_gap(engine_folder: Path, part: str) -> None:
    """As a kill between the log and the part leaves it: the entry is there, the part is not."""
    shutil.rmtree(table_folder(engine_folder) / part)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("all_1_1_0", Part("all", 1, 1)),
        ("202601_3_18_2", Part("202601", 3, 18)),
        ("202601_1_1_0_5", Part("202601", 1, 1)),
        ("-5_1_2_1", Part("-5", 1, 2)),
        ("tmp_insert_all_1_1_0", None),
        ("delete_tmp_all_1_1_0", None),
        ("detached", None),
        ("deduplication_logs", None),
        ("broken_all_1_1_0", None),
    ],
)
def test_names_of_parts_are_read(name: str, part: Part | None) -> None:
    assert parse_part(name) == part


def test_a_part_covers_what_was_merged_or_mutated_into_it() -> None:
    whole = Part("all", 2, 9)
    assert whole.covers(Part("all", 2, 2))
    assert whole.covers(Part("all", 4, 9))
    assert not whole.covers(Part("all", 1, 2))
    assert not whole.covers(Part("all", 9, 10))
    assert not whole.covers(Part("2", 4, 4))


def test_without_the_repair_the_redo_is_lost_and_with_it_it_is_stored(tmp_path: Path) -> None:
    run_engine(tmp_path, TABLE, insert(1), insert(2), insert(3))
    simulate_gap(tmp_path, "1_2_2_0")
    copy = tmp_path.with_name("copy")
    shutil.copytree(tmp_path, copy, symlinks=True)
    redo_and_count: list[str | tuple[str, str]] = [insert(2), "SELECT groupArraySorted(10)(a) FROM t"]
    # If this first half ever fails, the engine writes the part first, and the repair can go.
    assert run_engine(copy, *redo_and_count)[-1] == "[1,3]\n"
    assert repair(tmp_path) == 1
    assert run_engine(tmp_path, *redo_and_count)[-1] == "[1,2,3]\n"


def test_an_emptied_log_opens_and_serves(tmp_path: Path) -> None:
    run_engine(tmp_path, TABLE, insert(1))
    simulate_gap(tmp_path, "1_1_1_0")
    assert repair(tmp_path) == 1
    assert run_engine(tmp_path, insert(1), insert(1), "SELECT count() FROM t")[-1] == "1\n"


def test_entries_of_merged_and_mutated_parts_stay(tmp_path: Path) -> None:
    run_engine(tmp_path, TABLE, *(insert(i, i % 2) for i in range(8)), "OPTIMIZE TABLE t FINAL")
    run_engine(tmp_path, "ALTER TABLE t UPDATE b = 1 WHERE 1 SETTINGS mutations_sync = 2")
    for folder in table_folder(tmp_path).iterdir():  # as the engine's own clean-up does later
        part = parse_part(folder.name)
        if part and (part.first == part.last or folder.name.count("_") == 3):
            shutil.rmtree(folder)
    assert any(folder.name.count("_") == 4 for folder in table_folder(tmp_path).iterdir())
    before = log_lines(tmp_path)
    assert len(before) == 8
    assert repair(tmp_path) == 0
    assert log_lines(tmp_path) == before
    redone = [insert(i, i % 2) for i in range(8)]
    assert run_engine(tmp_path, *redone, "SELECT count() FROM t")[-1] == "8\n"


def test_a_line_cut_by_the_kill_is_removed(tmp_path: Path) -> None:
    run_engine(tmp_path, TABLE, insert(1), insert(2))
    newest = max((table_folder(tmp_path) / "deduplication_logs").iterdir())
    with newest.open("ab") as file:
        file.write(b"1\t1_3_3_0\t1_123")
    assert repair(tmp_path) == 1
    assert run_engine(tmp_path, insert(2), insert(3), "SELECT count() FROM t")[-1] == "3\n"


def test_parts_that_were_never_committed_do_not_count(tmp_path: Path) -> None:
    run_engine(tmp_path, TABLE, insert(1))
    table = table_folder(tmp_path)
    (table / "1_1_1_0").rename(table / "tmp_insert_1_1_1_0")
    assert repair(tmp_path) == 1


def test_a_folder_without_tables_needs_no_repair(tmp_path: Path) -> None:
    assert repair(tmp_path) == 0


def test_the_store_mends_the_gap_when_it_starts(tmp_path: Path) -> None:
    with running_store(tmp_path) as store:
        client = store.client()
        client.command(TABLE)
        insert_through(client, 1)
        store.kill()
        simulate_gap(tmp_path / "store", "1_1_1_0")
    with running_store(tmp_path) as store:
        assert "removed 1 deduplication entries" in store.log()
        client = store.client()
        insert_through(client, 1)
        assert client.command("SELECT count() FROM t") == 1


def insert_through(client: Client, token: int) -> None:
    settings = {"insert_deduplication_token": f"token {token}"}
    client.insert("t", [[token % 3, token]], ["p", "a"], settings=settings)


@pytest.mark.slow
def test_kills_of_the_engine_lose_and_double_nothing(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    store = start_store(tmp_path)
    client = store.client()
    client.command(TABLE)
    token = 0
    for _ in range(10):
        killer = threading.Timer(dice.uniform(0.02, 0.5), store.process.kill)
        killer.start()
        token = insert_until_it_dies(client, token)
        killer.join()
        store.process.wait()
        store = start_store(tmp_path)
        client = store.client()  # before the next kill: connecting can take longer than the store has to live
        insert_through(client, token)  # the redo of the one that nobody knows about
        token += 1
        counts = client.query("SELECT count(), uniqExact(a), max(a) + 1 FROM t").result_rows
        assert counts == [(token, token, token)], store.log()
    store.stop()


def insert_until_it_dies(client: Client, token: int) -> int:
    """Insert one after the other; gives the token of the one that failed."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            insert_through(client, token)
        except ClickHouseError as error:
            if not is_transient(error):
                raise
            return token
        token += 1
    raise AssertionError("the store was not killed")
