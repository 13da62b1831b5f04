"""What is special about the bus in a file."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from driftline.bus import open_bus, sqlite_consumer, sqlite_file
from driftline.bus.sqlite import SqliteBus
from driftline.errors import BusError, FencedError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def bus(tmp_path: Path) -> SqliteBus:
    return _bus(tmp_path / "bus.db")


def test_the_file_and_its_folder_are_created_for_their_owner_only(tmp_path: Path) -> None:
    producer = _bus(tmp_path / "new" / "bus.db").producer()
    producer.send("t", b"a")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    for name in ("bus.db", "bus.db-wal", "bus.db-shm"):
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o600
    producer.close()


def test_three_slashes_are_relative_four_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///sub/bus.db", f"sqlite:///{tmp_path}/sub/bus.db"):
        with open_bus(url) as bus:
            assert isinstance(bus, SqliteBus)
            assert bus.path == tmp_path / "sub" / "bus.db"


def test_a_query_in_the_url_is_refused() -> None:
    with pytest.raises(SettingsError, match="correct the setting"):
        open_bus("sqlite:///bus.db?mode=ro")


def test_a_file_that_is_no_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    path.write_bytes(b"this is not a database" * 100)
    _fails(_bus(path).producer, str(path), "move it away")


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "bus.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()
    _fails(_bus(path).producer, str(path), "another program")
    assert path.read_bytes() == before


def test_a_damaged_page_is_reported_with_the_way_out(bus: SqliteBus) -> None:
    producer = bus.producer()
    for _ in range(50):
        producer.send("t", b"x" * 1000)
    producer.close()
    with bus.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(40_000))

    def read_all() -> None:
        consumer = bus.consumer("t", group="g")
        try:
            consumer.take(max_bytes=100_000, timeout=0)
        finally:
            consumer.close()

    _fails(read_all, str(bus.path), "move it away")


def test_a_file_of_a_newer_driftline_asks_for_an_upgrade(bus: SqliteBus) -> None:
    bus.producer().close()
    with sqlite3.connect(bus.path) as other:
        other.execute("PRAGMA user_version=99")
    other.close()
    _fails(bus.producer, "newer", "pip install -U driftline")


def test_a_folder_that_may_not_be_written_is_named_with_the_way_out(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    folder.chmod(0o555)
    code = (
        "import sys; from driftline.bus import open_bus\n"
        "import driftline.bus.sqlite, driftline.errors, os\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"  # root may write everywhere
        "try: open_bus(sys.argv[1]).producer()\n"
        "except driftline.errors.BusError as error: print(error)\n"
    )
    for parent in [tmp_path, *tmp_path.parents][:3]:
        if os.geteuid() == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    command = [sys.executable, "-c", code, f"sqlite:///{folder}/bus.db"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert str(folder / "bus.db") in printed
    assert "write access" in printed


def test_a_full_disk_is_reported_and_leaves_what_was_there(bus: SqliteBus) -> None:
    producer = bus.producer()
    producer.send("t", b"a")
    with producer._file.read() as database:
        database.execute("PRAGMA max_page_count=20")
    _fails(lambda: producer.send("t", b"x" * 900_000), str(bus.path), "disk is full")
    producer.send("t", b"b")
    producer.close()
    assert _all(bus) == [b"a", b"b"]


def test_a_lock_held_too_long_is_reported(bus: SqliteBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.1)
    producer = bus.producer()
    holder = sqlite3.connect(bus.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    _fails(lambda: producer.send("t", b"a"), str(bus.path), "locked by another process")
    holder.close()
    producer.send("t", b"a")
    producer.close()


def test_a_file_deleted_under_a_producer_is_created_anew(bus: SqliteBus) -> None:
    producer = bus.producer()
    producer.send("t", b"lost with its file")
    for path in bus.path.parent.glob("bus.db*"):
        path.unlink()
    producer.send("t", b"a")
    producer.close()
    assert _all(bus) == [b"a"]


def test_a_process_with_two_connections_keeps_its_log_when_another_process_ends(bus: SqliteBus) -> None:
    """Opening the second one must not lose the locks of the first, or the other process removes the log under it."""
    code = (
        "import sys; from driftline.bus import open_bus\n"
        "bus = open_bus(sys.argv[1]); one = bus.producer(); one.send('t', b'a')\n"
        "two = bus.producer(); bus.lag('t', group='g'); print(flush=True)\n"
        "sys.stdin.readline(); one.send('t', b'c')\n"
    )
    command = [sys.executable, "-c", code, bus.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        producer = bus.producer()
        producer.send("t", b"b")
        producer.close()
        assert bus.path.with_name("bus.db-wal").exists()
        process.communicate("\n")
    assert _all(bus) == [b"a", b"b", b"c"]


def test_a_forked_child_writes_through_its_own_connection(bus: SqliteBus) -> None:
    code = (
        "import os, sys; from driftline.bus import open_bus\n"
        "bus = open_bus(sys.argv[1]); producer = bus.producer(); producer.send('t', b'parent-0')\n"
        "children = []\n"
        "for c in range(3):\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        [producer.send('t', b'child%d-%d' % (c, n)) for n in range(20)]; sys.exit(0)\n"
        "    children.append(pid)\n"
        "[producer.send('t', b'parent-%d' % n) for n in range(1, 20)]\n"
        "assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)\n"
        "producer.send('t', b'parent-20'); producer.close()\n"
    )
    subprocess.run([sys.executable, "-c", code, bus.url], check=True)
    names = ["child0", "child1", "child2"]
    expected = [f"{name}-{n}" for name in names for n in range(20)] + [f"parent-{n}" for n in range(21)]
    assert sorted(_all(bus)) == sorted(value.encode() for value in expected)
    with sqlite3.connect(bus.path) as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    other.close()


def test_many_processes_may_create_the_file_at_once(bus: SqliteBus) -> None:
    code = "import sys; from driftline.bus import open_bus; open_bus(sys.argv[1]).producer().send('t', b'x')"
    command = [sys.executable, "-W", "ignore", "-c", code, bus.url]
    processes = [subprocess.Popen(command) for _ in range(8)]
    assert [process.wait(30) for process in processes] == [0] * 8
    assert _all(bus) == [b"x"] * 8


def test_a_lease_that_ran_out_is_taken_over(bus: SqliteBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_consumer, "LEASE_SECONDS", 0.3)
    producer = bus.producer()
    producer.send("t", b"a")
    producer.close()
    slow, quick = bus.consumer("t", group="g"), bus.consumer("t", group="g")
    batch = slow.take(max_bytes=10, timeout=1)
    assert batch is not None
    assert quick.take(max_bytes=10, timeout=0) is None
    assert (slow.assigned(), quick.assigned()) == (True, False)
    time.sleep(0.4)
    assert quick.take(max_bytes=10, timeout=0) == batch
    with pytest.raises(FencedError):
        slow.done(batch)
    quick.done(batch)
    for consumer in (slow, quick):
        consumer.close()


def test_a_slow_insert_is_accepted_when_nobody_took_over(bus: SqliteBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_consumer, "LEASE_SECONDS", 0.1)
    producer = bus.producer()
    producer.send("t", b"a")
    producer.close()
    consumer = bus.consumer("t", group="g")
    batch = consumer.take(max_bytes=10, timeout=1)
    assert batch is not None
    time.sleep(0.2)
    consumer.done(batch)
    assert bus.lag("t", group="g") == 0
    consumer.close()


def test_a_lease_from_before_the_clock_was_set_back_does_not_hold(bus: SqliteBus) -> None:
    gone, heir = bus.consumer("t", group="g"), bus.consumer("t", group="g")
    assert gone.assigned()
    with gone._file.write() as database:
        database.execute("UPDATE member SET expires = expires + 86400")
    assert heir.assigned()
    for consumer in (gone, heir):
        consumer.close()


def test_claims_survive_a_loss_of_power(bus: SqliteBus) -> None:
    producer, consumer = bus.producer(), bus.consumer("t", group="g")
    levels = []
    for file in (producer._file, consumer._file):
        with file.read() as database:
            levels.append(database.execute("PRAGMA synchronous").fetchone()[0])
    assert levels == [1, 2]  # NORMAL for speed; FULL where a token is promised
    producer.close()
    consumer.close()


def test_prune_deletes_what_all_groups_have_finished(bus: SqliteBus) -> None:
    producer = bus.producer()
    for number in range(10):
        producer.send("t", b"%d" % number)
    fast, slow = bus.consumer("t", group="fast"), bus.consumer("t", group="slow")
    for consumer, size in ((fast, 8), (slow, 4)):
        batch = consumer.take(max_bytes=size, timeout=0)
        assert batch is not None
        consumer.done(batch)
    claimed = slow.take(max_bytes=2, timeout=0)
    assert bus.prune(3600) == 0
    assert bus.prune(0) == 4
    assert slow.take(max_bytes=2, timeout=0) == claimed
    producer.send("t", b"new")
    after = fast.take(max_bytes=100, timeout=0)
    assert after is not None
    assert (after.first, after.last) == (8, 10)
    for end in (fast, slow, producer):
        end.close()


def test_prune_keeps_what_nobody_has_read_yet(bus: SqliteBus) -> None:
    producer = bus.producer()
    producer.send("t", b"a")
    producer.close()
    assert bus.prune(0) == 0
    assert _all(bus) == [b"a"]


def test_prune_gives_the_space_back(bus: SqliteBus) -> None:
    producer = bus.producer()
    for _ in range(1500):
        producer.send("t", b"x" * 2000)
    producer.close()
    consumer = bus.consumer("t", group="g")
    batch = consumer.take(max_bytes=10_000_000, timeout=0)
    assert batch is not None
    consumer.done(batch)
    consumer.close()
    before = bus.path.stat().st_size
    assert bus.prune(0) == 1500
    assert bus.path.stat().st_size < before / 5


def _bus(path: Path) -> SqliteBus:
    bus = open_bus(f"sqlite:///{path}")
    assert isinstance(bus, SqliteBus)
    return bus


def _all(bus: SqliteBus) -> list[bytes]:
    consumer = bus.consumer("t", group="all")
    batch = consumer.take(max_bytes=10_000_000, timeout=0)
    consumer.close()
    return [] if batch is None else [message.value for message in batch.messages]


def _fails(call: Callable[[], object], *parts: str) -> None:
    with pytest.raises(BusError) as caught:
        call()
    assert all(part in str(caught.value) for part in parts), caught.value
