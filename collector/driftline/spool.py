"""Messages on disk while the bus is away: an append-only log that survives the process.

A spool belongs to one process, which holds a lock on it as long as it lives; whoever finds one whose lock is free
takes it over (``adopt``). A record that a crash cut off is ignored: it was never promised. Not synced to the
disk at each write: what is promised survives the process, not a loss of power.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import struct
import uuid
import zlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from driftline.bus.protocol import LOGS_TOPIC, SPANS_TOPIC
from driftline.exporter import Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = logging.getLogger("driftline")

_SEGMENT_BYTES: Final = 16 * 1024 * 1024
KEEP_FREE: Final = 200 * 1024 * 1024
"""Bytes of the disk that are left to others."""

_HEAD: Final = struct.Struct("<IIIBIId")
"""Checksum of the rest, length of key, length of value, topic, spans, events, when it was made."""

_PLACE: Final = struct.Struct("<QQ")
_TOPICS: Final = (SPANS_TOPIC, LOGS_TOPIC)
_LOCK, _DONE, _SUFFIX = "lock", "done", ".spool"


@dataclass(frozen=True, slots=True)
class Record:
    """A message on disk and where the next one begins.

    Attributes:
        segment: number of its file.
        end: offset after it.
        uncertain: it may be on the bus already: whoever sent it last did not live to note how that went.
    """

    message: Outgoing
    segment: int
    end: int
    uncertain: bool


class Spool:
    """One process's messages, first in first out. Not safe for use from several threads at once.

    Attributes:
        spans: how many are in it.
        events: how many are in it.
        size: bytes on disk.
    """

    def __init__(self, folder: Path, lock: int, *, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._lock: int | None = lock
        self._segments: deque[int] = deque(sorted(int(file.stem) for file in folder.glob("*" + _SUFFIX)))
        self._reading: tuple[int, int] = self._read_place()
        self._uncertain = bool(self._segments)
        self.spans = self.events = self.size = 0
        for record in self._records():
            self._count(record.message, 1)

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.spans or self.events)

    def append(self, message: Outgoing) -> None:
        """Add a message at the end.

        Raises:
            OSError: the disk does not take it; nothing was added.
        """
        number = self._segments[-1] if self._segments else self._following()
        if self._segments and self._file(number).stat().st_size >= _SEGMENT_BYTES:
            number += 1
        self._write(number, [message])
        if not self._segments or self._segments[-1] != number:
            self._segments.append(number)

    def prepend(self, messages: list[Outgoing], *, uncertain: bool) -> None:
        """Put messages before all others, of which none was read yet, as they are older.

        Args:
            messages: oldest first.
            uncertain: the first one may be on the bus already.

        Raises:
            OSError: the disk does not take them; nothing was added.
        """
        if not messages:
            return
        number = self._segments[0] - 1 if self._segments else self._following()
        self._write(number, messages)
        self._segments.appendleft(number)
        self._reading = (number, 0)
        self._uncertain = uncertain
        self._note_place()

    def first(self) -> Record | None:
        """The oldest message, which stays until ``drop``."""
        return next(self._records(), None)

    def drop(self, record: Record) -> None:
        """Forget the oldest message, which is on the bus now."""
        self._count(record.message, -1)
        self._uncertain = False
        self._reading = (record.segment, record.end)
        self._note_place()
        is_read = not self or record.end >= self._file(record.segment).stat().st_size
        while self._segments and self._segments[0] < record.segment + is_read:
            self._file(self._segments.popleft()).unlink()

    def close(self) -> None:
        """Let others take it over; an empty one is removed."""
        if self._lock is None:
            return
        if not self:
            shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)
        self._lock = None

    def abandon(self) -> None:
        """Leave it to the parent process, in a child that inherited it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _following(self) -> int:
        """The number of a file after all that were read, with one free before it for what is older."""
        return self._reading[0] + 2

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:020d}{_SUFFIX}"

    def _write(self, number: int, messages: list[Outgoing]) -> None:
        written = b"".join(map(_packed, messages))
        if self.size + len(written) > self._limit:
            raise OSError(f"the spool in {self._folder} has reached its limit of {self._limit} bytes")
        if shutil.disk_usage(self._folder).free - len(written) < KEEP_FREE:
            raise OSError(f"fewer than {KEEP_FREE} bytes are free on the disk of {self._folder}")
        path = self._file(number)
        before = path.stat().st_size if path.exists() else 0
        try:
            with path.open("ab") as file:
                file.write(written)
        except OSError:
            if path.exists():
                os.truncate(path, before)
            raise
        for message in messages:
            self._count(message, 1)

    def _count(self, message: Outgoing, sign: int) -> None:
        self.spans += sign * message.spans
        self.events += sign * message.events
        self.size += sign * len(message.value)

    def _records(self) -> Iterator[Record]:
        """All records from the reading place on; a damaged one ends its file."""
        uncertain = self._uncertain
        for number in tuple(self._segments):
            if number < self._reading[0]:
                continue
            with self._file(number).open("rb") as file:
                file.seek(self._reading[1] if number == self._reading[0] else 0)
                while (message := _unpacked(file)) is not None:
                    yield Record(message, number, file.tell(), uncertain)
                    uncertain = False

    def _read_place(self) -> tuple[int, int]:
        try:
            number, offset = _PLACE.unpack((self._folder / _DONE).read_bytes())
        except (OSError, struct.error):
            return (0, 0)
        return (number, offset)

    def _note_place(self) -> None:
        (self._folder / _DONE).write_bytes(_PLACE.pack(*self._reading))


def open_spool(folder: Path, limit: int) -> Spool:
    """Begin a spool of one's own.

    Args:
        folder: of all spools of one bus.
        limit: most bytes that it may take.

    Raises:
        OSError: the folder cannot be made or written.
    """
    own = folder / uuid.uuid4().hex
    own.mkdir(parents=True, mode=0o700)
    lock = _locked(own)
    if lock is None:
        raise OSError(f"a spool that was just made is locked: {own}")
    return Spool(own, lock, limit=limit)


def adopt(folder: Path) -> Iterator[Spool]:
    """Take over what processes left that have ended.

    Args:
        folder: of all spools of one bus.
    """
    for orphan in sorted(folder.iterdir()) if folder.is_dir() else ():
        lock = _locked(orphan)
        if lock is not None:
            yield Spool(orphan, lock, limit=0)


def _locked(folder: Path) -> int | None:
    """Lock a spool; None where its process lives. The lock ends with the process, and is not passed on by exec."""
    try:
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:  # gone meanwhile, or somebody else's
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def _packed(message: Outgoing) -> bytes:
    key = message.key or b""
    sizes = (len(key), len(message.value), _TOPICS.index(message.topic), message.spans, message.events, message.made)
    rest = _HEAD.pack(0, *sizes)[4:] + key + message.value
    return zlib.crc32(rest).to_bytes(4, "little") + rest


def _unpacked(file: BinaryIO) -> Outgoing | None:
    """The next message; None at the end and where a crash cut one off."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    checksum, key_size, size, topic, spans, events, made = _HEAD.unpack(head)
    body = file.read(key_size + size)
    if len(body) < key_size + size or topic >= len(_TOPICS) or zlib.crc32(body, zlib.crc32(head[4:])) != checksum:
        return None
    return Outgoing(_TOPICS[topic], body[key_size:], body[:key_size] or None, spans, events, made)
