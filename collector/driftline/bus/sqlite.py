"""The embedded bus: an append-only log in one SQLite file, which works before any server runs.

Every topic has one partition, 0, and gap-free offsets. Any number of processes may write and read.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from driftline.bus.protocol import Message, Stretch, unfinished
from driftline.bus.sqlite_consumer import SqliteConsumer, is_held
from driftline.bus.sqlite_file import SqliteFile
from driftline.errors import BusError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_PRUNE_ROWS = 1000
"""Messages deleted in one transaction, so that writers never wait long for the lock."""


_READ_ROWS = 64
"""Messages read in one go, so that memory stays small whatever their size and the file is not held."""


class SqliteBus:
    """The bus in one file.

    Attributes:
        url: as given; it cannot hold a password.
        path: the file.
    """

    def __init__(self, url: str, *, max_message_bytes: int) -> None:
        self.url = url
        self.path = _path(url)
        self._max_message_bytes = max_message_bytes

    def producer(self, *, persistent: bool = False) -> SqliteProducer:  # noqa: ARG002 - a commit is never uncertain
        """Open a producer; the file and its folder are created when missing.

        Raises:
            BusError: the file cannot be opened or written.
        """
        return SqliteProducer(self.path, max_message_bytes=self._max_message_bytes)

    def consumer(self, topic: str, *, group: str) -> SqliteConsumer:
        """Join ``group`` on ``topic``, from the oldest message when the group is new.

        Raises:
            BusError: the file cannot be opened or written.
        """
        return SqliteConsumer(self.path, topic, group)

    def lag(self, topic: str, *, group: str) -> int:
        """Messages that the group has not finished, whoever reads them.

        Raises:
            BusError: the file cannot be opened or read.
        """
        file = SqliteFile(self.path, sync=False)
        try:
            with file.read() as database:
                found = database.execute(
                    "SELECT t.next - coalesce(m.done, 0) FROM topic t "
                    'LEFT JOIN member m ON m.topic = t.id AND m."group" = ? WHERE t.name = ?',
                    (group, topic),
                ).fetchone()
            return int(found[0]) if found else 0
        finally:
            file.close()

    def members(self, topic: str, *, group: str) -> int:
        """1 if somebody holds the topic's lease for the group, else 0.

        Raises:
            BusError: the file cannot be opened or read.
        """
        rows = self._rows(
            "SELECT m.expires, m.host, m.pid FROM topic t JOIN member m ON m.topic = t.id "
            'WHERE t.name = ? AND m."group" = ? AND m.owner IS NOT NULL',
            (topic, group),
        )
        return sum(is_held(*row) for row in rows)

    def finished(self, topic: str, *, group: str, since: float, until: float) -> list[Stretch]:
        """Where the messages are that came within a time range and that the group has finished.

        Raises:
            BusError: the file cannot be opened or read, or a batch was left unfinished.
        """
        rows = self._rows(
            "SELECT m.done, m.last, "
            "(SELECT min(place) FROM message WHERE topic = t.id AND at >= ?), "
            "(SELECT min(place) FROM message WHERE topic = t.id AND at >= ?) "
            'FROM topic t JOIN member m ON m.topic = t.id WHERE t.name = ? AND m."group" = ?',
            (since, until, topic, group),
        )
        if not rows:
            return []
        [(done, claimed, first, end)] = rows
        if claimed is not None:
            raise unfinished(topic, 0, group)
        end = done if end is None else min(end, done)
        return [Stretch(topic, 0, first, end)] if first is not None and first < end else []

    def read(self, stretch: Stretch) -> Iterator[Message]:
        """The messages of a stretch that are still there, in order; outside of any group.

        Raises:
            BusError: the file cannot be opened or read.
        """
        file = SqliteFile(self.path, sync=False)
        following = stretch.first
        try:
            while True:
                with file.read() as database:
                    rows = database.execute(
                        "SELECT place, value FROM message WHERE topic = (SELECT id FROM topic WHERE name = ?) "
                        "AND place >= ? AND place < ? ORDER BY place LIMIT ?",
                        (stretch.topic, following, stretch.end, _READ_ROWS),
                    ).fetchall()
                yield from (Message(place, bytes(value)) for place, value in rows)
                if len(rows) < _READ_ROWS:
                    return
                following = rows[-1][0] + 1
        finally:
            file.close()

    def holds(self, topic: str, value: bytes, *, since: float) -> bool:
        """Whether the topic has this message, sent no earlier than ``since``.

        Raises:
            BusError: the file cannot be opened or read.
        """
        found = self._rows(
            "SELECT 1 FROM message WHERE topic = (SELECT id FROM topic WHERE name = ?) AND at >= ? AND value = ? "
            "LIMIT 1",
            (topic, since, value),
        )
        return bool(found)

    def _rows(self, query: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        file = SqliteFile(self.path, sync=False)
        try:
            with file.read() as database:
                return database.execute(query, parameters).fetchall()
        finally:
            file.close()

    def prune(self, older_than_seconds: float) -> int:
        """Delete messages that every known group has finished and that are older than this.

        Messages of a topic that no group has ever read are kept, however old: an application may
        record long before the first consumer is started.

        Returns:
            How many messages were deleted.

        Raises:
            BusError: the file cannot be opened or written.
        """
        file = SqliteFile(self.path, sync=False)
        before = time.time() - older_than_seconds
        try:
            with file.read() as database:
                finished = database.execute("SELECT topic, min(done) FROM member GROUP BY topic").fetchall()
            deleted = sum(_prune_topic(file, topic, done, before) for topic, done in finished)
            if deleted:
                with file.read() as database:
                    # By script: execute() takes one step, and this pragma frees one page a step.
                    database.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint")
            return deleted
        finally:
            file.close()

    def close(self) -> None:
        """Nothing to release: producers and consumers hold their own connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SqliteProducer:
    """Appends to the file; one transaction a message, so that a sent message survives the process.

    A loss of power may take the last moments before it, as with every log that does not sync each
    write; what a consumer has claimed survives that too.
    """

    def __init__(self, path: Path, *, max_message_bytes: int) -> None:
        self._file = SqliteFile(path, sync=False)
        self._max_message_bytes = max_message_bytes
        with self._file.read():
            pass  # opens the file now, so that a wrong path is reported here

    def send(self, topic: str, value: bytes, *, key: bytes | None = None) -> None:  # noqa: ARG002
        """Append one message; the key is ignored, as there is one partition.

        Raises:
            BusError: the message is too long, or the file cannot be written.
        """
        if len(value) > self._max_message_bytes:
            raise BusError(
                f"a message for {topic!r} has {len(value)} bytes but the bus takes up to "
                f"{self._max_message_bytes}; split it, or raise the setting 'max_message_bytes'"
            )
        with self._file.write() as database:
            # The counter's row is written in the same transaction, so offsets grow in commit order.
            ((number, following),) = database.execute(
                "INSERT INTO topic (name, next) VALUES (?, 1) "
                "ON CONFLICT (name) DO UPDATE SET next = next + 1 RETURNING id, next",
                (topic,),
            ).fetchall()
            database.execute(
                "INSERT INTO message (topic, place, at, value) VALUES (?, ?, ?, ?)",
                (number, following - 1, time.time(), value),
            )

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _path(url: str) -> Path:
    """The file that ``sqlite:///relative`` or ``sqlite:////absolute`` names."""
    rest = url.removeprefix("sqlite://")
    if not rest.startswith("/") or rest in {"/", "//"} or "?" in rest:
        raise SettingsError(
            f"the bus URL must be sqlite:///relative/bus.db or sqlite:////absolute/bus.db but is {url!r}; "
            "correct the setting 'bus'"
        )
    return Path(rest[1:]).expanduser().absolute()


def _prune_topic(file: SqliteFile, topic: int, done: int, before: float) -> int:
    total = 0
    while True:
        with file.write() as database:
            deleted = database.execute(
                "DELETE FROM message WHERE rowid IN (SELECT rowid FROM message "
                "WHERE topic = ? AND place < ? AND at < ? ORDER BY place LIMIT ?)",
                (topic, done, before, _PRUNE_ROWS),
            ).rowcount
        total += deleted
        if deleted < _PRUNE_ROWS:
            return total
