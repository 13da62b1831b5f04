"""The spool is a queue, whatever is done to it and however often it is opened again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from driftline import spool as module
from driftline.bus.protocol import LOGS_TOPIC, SPANS_TOPIC
from driftline.exporter import Outgoing
from driftline.spool import Spool, adopt, open_spool

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 1 << 30


def message(number: int, size: int = 10) -> Outgoing:
    topic = SPANS_TOPIC if number % 2 else LOGS_TOPIC
    return Outgoing(topic, b"%d " % number + b"x" * size, b"key" if number % 3 else None, number % 5, 1, 1.5)


def drained(spool: Spool) -> list[Outgoing]:
    found = []
    while (record := spool.first()) is not None:
        found.append(record.message)
        spool.drop(record)
    return found


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = open_spool(tmp_path, LIMIT)
    yield opened
    opened.close()


class Queue(RuleBasedStateMachine):
    """A list is the model."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.spool = open_spool(self.folder, LIMIT)
        self.model: list[Outgoing] = []
        self.numbers = 0
        self.was_read = False
        self.segment = module._SEGMENT_BYTES
        module._SEGMENT_BYTES = 300  # type: ignore[misc]

    def fresh(self, size: int) -> Outgoing:
        self.numbers += 1
        return message(self.numbers, size)

    @rule(size=st.integers(0, 400))
    def append(self, size: int) -> None:
        added = self.fresh(size)
        self.spool.append(added)
        self.model.append(added)

    @precondition(lambda self: not self.was_read or not self.model)
    @rule(sizes=st.lists(st.integers(0, 200), min_size=1, max_size=3), uncertain=st.booleans())
    def prepend(self, sizes: list[int], uncertain: bool) -> None:
        added = [self.fresh(size) for size in sizes]
        self.spool.prepend(added, uncertain=uncertain)
        self.model[:0] = added
        self.was_read = True  # once before anything is read, as the courier does

    @precondition(lambda self: self.model)
    @rule()
    def take(self) -> None:
        record = self.spool.first()
        assert record is not None
        assert record.message == self.model.pop(0)
        self.spool.drop(record)
        self.was_read = True

    @precondition(lambda self: self.model)
    @rule()
    def open_again(self) -> None:
        self.spool.close()
        (self.spool,) = adopt(self.folder)
        self.spool._limit = LIMIT
        record = self.spool.first()
        assert record is not None
        assert record.uncertain, "nobody knows what became of the first one"

    @invariant()
    def it_counts_right(self) -> None:
        if hasattr(self, "model"):
            assert self.spool.spans == sum(each.spans for each in self.model)
            assert self.spool.size == sum(len(each.value) for each in self.model)
            assert bool(self.spool) == bool(self.model)

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            assert drained(self.spool) == self.model
            self.spool.close()
            assert list(self.folder.iterdir()) == []
            module._SEGMENT_BYTES = self.segment  # type: ignore[misc]
            shutil.rmtree(self.folder)


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_record_that_a_crash_cut_off_is_ignored_and_the_others_are_kept(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, LIMIT)
    for number in (1, 2, 3):
        spool.append(message(number, 100))
    (file,) = tmp_path.glob("*/*.spool")
    os.truncate(file, file.stat().st_size - 1)
    spool.abandon()
    (adopted,) = adopt(tmp_path)
    assert drained(adopted) == [message(1, 100), message(2, 100)]
    adopted.close()
    assert not list(tmp_path.iterdir())


def test_a_damaged_record_ends_its_file_but_not_the_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SEGMENT_BYTES", 250)
    spool = open_spool(tmp_path, LIMIT)
    for number in range(1, 7):
        spool.append(message(number, 100))
    first, *others = sorted(tmp_path.glob("*/*.spool"))
    assert others
    damaged = bytearray(first.read_bytes())
    damaged[-1] ^= 1
    first.write_bytes(damaged)
    spool.abandon()
    (adopted,) = adopt(tmp_path)
    found = drained(adopted)
    assert found[0] == message(1, 100)
    assert found[-1] == message(6, 100)
    assert 4 <= len(found) < 6
    adopted.close()


def test_a_full_disk_is_an_error_and_nothing_is_half_written(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    spool.append(message(1))
    monkeypatch.setattr(module, "KEEP_FREE", 1 << 60)
    with pytest.raises(OSError, match="free on the disk"):
        spool.append(message(2))
    monkeypatch.undo()
    spool.append(message(3))
    assert drained(spool) == [message(1), message(3)]


def test_files_are_for_their_owner_only(spool: Spool, tmp_path: Path) -> None:
    spool.append(message(1))
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o077 == 0


def test_what_a_killed_process_left_is_taken_over_and_a_living_ones_is_not(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from driftline.spool import open_spool\n"
        "from driftline.exporter import Outgoing\n"
        "spool = open_spool(Path(sys.argv[1]), 1 << 30)\n"
        "spool.append(Outgoing('otlp_spans', b'x', None, 1, 0, 0.0)); print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list(adopt(tmp_path)) == []
        process.send_signal(signal.SIGKILL)
        process.wait()
        (adopted,) = adopt(tmp_path)
        assert [each.value for each in drained(adopted)] == [b"x"]
        adopted.close()
