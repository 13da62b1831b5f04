"""Migrations: applied once, in order, recorded, safe to repeat."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from driftline.errors import StoreError
from driftline_store.migrate import Migration, load, migrate

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from store_fixtures import RunningStore

FIRST = """-- makes two tables;
CREATE TABLE IF NOT EXISTS one (a Int64, b String DEFAULT 'x;
y')
ENGINE = MergeTree ORDER BY a;

-- nothing more to say;
CREATE TABLE IF NOT EXISTS two (a Int64) ENGINE = MergeTree ORDER BY a
"""
SECOND = "ALTER TABLE one ADD COLUMN IF NOT EXISTS c Int64;\n"


def write(folder: Path, **files: str) -> list[Migration]:
    for name, text in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(text, encoding="utf-8")
    return load(folder)


def test_files_are_applied_in_order_and_once(store_client: Client, tmp_path: Path) -> None:
    found = write(tmp_path, m0002_more=SECOND, m0001_first="CREATE TABLE one (a Int64) ENGINE = Memory;")
    assert migrate(store_client, found) == [1, 2]
    assert migrate(store_client, found) == []
    rows = store_client.query("SELECT number, name, length(sha256), applied_at > '2020-01-01' FROM schema_migrations")
    assert sorted(tuple(row) for row in rows.result_rows) == [(1, "first", 64, 1), (2, "more", 64, 1)]


def test_a_file_has_several_statements(tmp_path: Path) -> None:
    (only,) = write(tmp_path, m0001_first=FIRST.replace("'x;\ny'", "'x'"))
    assert [" ".join(s.split())[:60].split(" (")[0] for s in only.statements] == [
        "-- makes two tables; CREATE TABLE IF NOT EXISTS one",
        "-- nothing more to say; CREATE TABLE IF NOT EXISTS two",
    ]


def test_what_a_crash_left_half_applied_is_applied_again(store_client: Client, tmp_path: Path) -> None:
    found = write(tmp_path, m0001_first=FIRST.replace("'x;\ny'", "'x'"))
    store_client.command(found[0].statements[0])  # the crash came here
    assert migrate(store_client, found) == [1]
    assert store_client.command("SELECT count() FROM system.tables WHERE database = currentDatabase()") == 3


def test_a_failing_statement_names_its_file_and_is_not_recorded(store_client: Client, tmp_path: Path) -> None:
    found = write(tmp_path, m0001_first="SELECT throwIf(1);")
    with pytest.raises(StoreError, match=r"while applying migration 0001_first, failed a statement: .*Code: 395"):
        migrate(store_client, found)
    assert store_client.command("SELECT count() FROM schema_migrations") == 0


def test_a_changed_file_is_refused(store_client: Client, tmp_path: Path) -> None:
    migrate(store_client, write(tmp_path, m0001_first="SELECT 1;"))
    with pytest.raises(StoreError, match="0001_first has changed since the store applied it"):
        migrate(store_client, write(tmp_path, m0001_first="SELECT 2;"))


def test_a_newer_database_is_refused(store_client: Client, tmp_path: Path) -> None:
    found = write(tmp_path, m0001_first="SELECT 1;", m0002_more="SELECT 2;")
    migrate(store_client, found)
    with pytest.raises(StoreError, match="is at migration 0002 but driftline knows only 0001"):
        migrate(store_client, found[:1])


@pytest.mark.parametrize("name", ["m1_first", "m0001-first", "m0002_second"])
def test_wrong_names_and_gaps_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match=r"the migrations? "):
        write(tmp_path, **{name: "SELECT 1;"})


def test_two_processes_may_migrate_at_once(embedded_store: RunningStore, store_client: Client, tmp_path: Path) -> None:
    found = write(tmp_path, m0001_first=FIRST.replace("'x;\ny'", "'x'"), m0002_more=SECOND)
    threads = [
        threading.Thread(target=migrate, args=(embedded_store.client(store_client.database), found)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert migrate(store_client, found) == []


def test_the_packages_own_migrations_are_found() -> None:
    assert [one.number for one in load()] == list(range(1, len(load()) + 1))
