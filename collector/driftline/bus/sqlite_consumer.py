"""A member of a consumer group on the SQLite bus: a lease on the topic, and a claim on its messages."""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from driftline.bus.protocol import MAX_MESSAGES, Batch, Message, Standing
from driftline.bus.sqlite_file import SqliteFile
from driftline.errors import FencedError

if TYPE_CHECKING:
    import sqlite3

LEASE_SECONDS = 10.0
"""How long an owner may be silent before another member takes over; a dead process loses it at once."""

_LOOK_SECONDS = 0.025
"""Pause between two looks for new messages; one look is one indexed query, some 20 µs."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the file says about the topic and our group; ``last`` is set while a claim is unfinished."""

    topic: int
    next: int
    done: int
    last: int | None
    owner: str | None
    host: str | None
    pid: int | None
    expires: float


class SqliteConsumer:
    """Reads one topic for one group; of all members, the one that holds the lease gets batches."""

    def __init__(self, path: Path, topic: str, group: str) -> None:
        # Claims are synced to the disk, and with them every message written before: else a loss of
        # power could put other messages at offsets that a token in the store already names.
        self._file = SqliteFile(path, sync=True)
        self._topic = topic
        self._group = group
        self._pid = 0
        self._me = ""
        self._rests_until = 0.0
        self._takeovers = 0
        self._look()

    def take(self, *, max_bytes: int, timeout: float, linger: float = 0.0) -> Batch | None:
        """Claim and return the next batch, or None if nothing arrived within ``timeout`` seconds.

        Raises:
            BusError: the file cannot be read or written.
        """
        deadline = time.monotonic() + timeout
        while True:
            claim = self._claim(max_bytes) if self._worth_claiming() else None
            batch = self._load(*claim) if claim is not None else None
            if batch is not None:
                small = sum(len(message.value) for message in batch.messages) * 2 <= max_bytes
                self._rests_until = time.monotonic() + linger if small else 0.0
                return batch
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            time.sleep(min(_LOOK_SECONDS, remaining))

    def done(self, batch: Batch) -> None:
        """Move the group past a batch that is safely stored.

        Raises:
            FencedError: another member took over, or this batch is not the one that is claimed.
            BusError: the file cannot be written; ``take`` will return the same batch again.
        """
        self._look()
        with self._file.write() as database:
            state = self._read(database)
            claimed = state is not None and (state.done, state.last) == (batch.first, batch.last)
            if state is None or not claimed or state.owner != self._owner or batch.bus_id != self._file.log_id:
                raise FencedError(
                    f"another member of group {self._group!r} has taken over {self._topic!r} in "
                    f"{self._file.path}; drop batch {batch.first}-{batch.last}, it is redone there"
                )
            database.execute(
                'UPDATE member SET done = ?, last = NULL, expires = ? WHERE topic = ? AND "group" = ?',
                (batch.last + 1, time.time() + LEASE_SECONDS, state.topic, self._group),
            )

    def assigned(self) -> bool:
        """Whether this member holds the lease; asking takes or renews it if it is free.

        Raises:
            BusError: the file cannot be read or written.
        """
        state = self._look()
        if self._fresh(state):
            return True
        if not self._obtainable(state):
            return False
        with self._file.write() as database:
            state = self._read(database) or state
            if not self._obtainable(state):
                return False
            self._hold(database, state, state.last)
            return True

    def standing(self) -> Standing:
        """What this member owns and how far behind it is.

        Raises:
            BusError: the file cannot be read.
        """
        state = self._look()
        ours = state.owner == self._owner
        return Standing({0: state.next - state.done} if ours else {}, self._takeovers)

    def close(self) -> None:
        """Give the lease back, so that another member takes over at once."""
        try:
            if self._file.is_open:
                with self._file.write() as database:
                    database.execute(
                        'UPDATE member SET owner = NULL, expires = 0 WHERE "group" = ? AND owner = ?',
                        (self._group, self._owner),
                    )
        finally:
            self._file.close()

    @property
    def _owner(self) -> str:
        """Our name in the lease; a forked child is somebody else."""
        if self._pid != os.getpid():
            self._pid, self._me = os.getpid(), str(uuid.uuid4())
        return self._me

    def _look(self) -> _State:
        """Read the state, after writing the rows of a topic or group that the file does not know."""
        with self._file.read() as database:
            state = self._read(database)
        if state is not None:
            return state
        with self._file.write() as database:
            database.execute("INSERT OR IGNORE INTO topic (name) VALUES (?)", (self._topic,))
            database.execute(
                'INSERT OR IGNORE INTO member (topic, "group") SELECT id, ? FROM topic WHERE name = ?',
                (self._group, self._topic),
            )
        return self._look()

    def _read(self, database: sqlite3.Connection) -> _State | None:
        rows = database.execute(
            "SELECT t.id, t.next, m.done, m.last, m.owner, m.host, m.pid, m.expires "
            'FROM topic t JOIN member m ON m.topic = t.id AND m."group" = ? WHERE t.name = ?',
            (self._group, self._topic),
        ).fetchall()
        return _State(*rows[0]) if rows else None

    def _fresh(self, state: _State) -> bool:
        """Whether the lease is ours and does not need to be renewed yet."""
        return state.owner == self._owner and LEASE_SECONDS / 2 < state.expires - time.time() <= LEASE_SECONDS

    def _obtainable(self, state: _State) -> bool:
        """Whether the lease is ours, free, run out or a dead process's."""
        if state.owner is None or state.owner == self._owner:
            return True
        return not is_held(state.expires, state.host, state.pid)

    def _worth_claiming(self) -> bool:
        """Whether a write could bring something; most looks end here, without taking the write lock."""
        state = self._look()
        waiting = state.last is not None or (state.next > state.done and not self._rests())
        return self._obtainable(state) and (waiting or not self._fresh(state))

    def _rests(self) -> bool:
        return time.monotonic() < self._rests_until

    def _claim(self, max_bytes: int) -> tuple[str, int, int] | None:
        """Hold the lease and claim messages in one transaction.

        Returns:
            The log's identity and the first and last offset: of the unfinished claim, if there is one.
        """
        with self._file.write() as database:
            state = self._read(database)
            if state is None or not self._obtainable(state):
                return None
            last = state.last
            if last is None and not self._rests():
                last = _fitting(database, state, max_bytes)
            self._hold(database, state, last)
            return None if last is None else (self._file.log_id, state.done, last)

    def _hold(self, database: sqlite3.Connection, state: _State, last: int | None) -> None:
        self._takeovers += state.owner != self._owner
        database.execute(
            'UPDATE member SET owner = ?, host = ?, pid = ?, expires = ?, last = ? WHERE topic = ? AND "group" = ?',
            (
                self._owner,
                _host(),
                os.getpid(),
                time.time() + LEASE_SECONDS,
                last,
                state.topic,
                self._group,
            ),
        )

    def _load(self, log_id: str, first: int, last: int) -> Batch | None:
        # Outside the transaction that claimed: nothing prunes a claimed message, and writers need
        # not wait while megabytes are read.
        with self._file.read() as database:
            rows = database.execute(
                "SELECT place, value FROM message JOIN topic ON topic.id = message.topic "
                "WHERE topic.name = ? AND place BETWEEN ? AND ? ORDER BY place",
                (self._topic, first, last),
            ).fetchall()
            if self._file.log_id != log_id:
                return None  # the file was replaced in between
            messages = tuple(Message(place, value) for place, value in rows)
            return Batch(log_id, self._topic, 0, first, last, messages)


def _fitting(database: sqlite3.Connection, state: _State, max_bytes: int) -> int | None:
    """The last offset of the next batch, or None when there is no message."""
    last, total = None, 0
    cursor = database.execute(
        "SELECT place, length(value) FROM message WHERE topic = ? AND place >= ? ORDER BY place LIMIT ?",
        (state.topic, state.done, MAX_MESSAGES),
    )
    for place, size in cursor:
        total += size
        if last is not None and total > max_bytes:
            break
        last = int(place)
    cursor.close()
    return last


def is_held(expires: float, host: str | None, pid: int | None) -> bool:
    """Whether a lease holds: it has not run out, and its owner is not known to be dead."""
    left = expires - time.time()
    # A lease that runs longer than any lease does was written before the clock was set back.
    return 0 < left <= LEASE_SECONDS and not (host == _host() and not _alive(pid))


def _host() -> str:
    """Where our process id means something: the machine and, in containers, its own process table."""
    try:
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _alive(pid: int | None) -> bool:
    if pid is None:
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
