"""Records that memory has no room for, in a file without a name.

A burst makes records several times faster than they can be encoded and sent. Their snapshots are plain values, so
writing them out as they are takes a twentieth of that: the burst waits on disk instead of being dropped. Nobody else
can open the file, and nothing is left of it when the process ends, however it ends. What is in it is not redacted yet,
as in memory.
"""

from __future__ import annotations

import io
import logging
import os
import pickle
import shutil
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from driftline.observed import ObservedSpan
from driftline.spool import KEEP_FREE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from driftline.counts import Counts

_log = logging.getLogger("driftline")

_shared: Final[dict[int, Any]] = {}
"""What many records have in common stays in memory: recorders and specs, by their ids. They live as long as we do."""


class Overflow:
    """Batches of records on disk, first in, first out.

    Args:
        folder: on whose disk; None to keep nothing.
        limit: most bytes.
        counts: where it is noted if a batch cannot be read again.
    """

    def __init__(self, folder: Path | None, limit: int, counts: Counts) -> None:
        self._folder = folder
        self._limit = limit
        self._counts = counts
        self._file: IO[bytes] | None = None
        self._batches: deque[_Batch] = deque()
        self._read = self._written = 0
        self._lock = threading.Lock()  # at the end, whoever closes may be in a hurry

    def put(self, records: Sequence[Any]) -> bool:
        """Write a batch.

        Returns:
            Whether it is there; if not, nothing of it is: the disk takes no more, or a record is not of plain values.
        """
        if self._folder is None:
            return False
        with self._lock:
            try:
                size = self._write(self._folder, records)
            except Exception:  # noqa: BLE001 - a disk that is full, or an attribute's value that cannot be written
                _log.debug("driftline: records could not wait on disk", exc_info=True)
                return False
            events = sum(isinstance(record, LogRecord) for record in records)
            self._batches.append(_Batch(size, len(records) - events, events))
            self._written += size
        return True

    def take(self) -> list[Any]:
        """The oldest batch that can be read, which is gone from the file then; empty if there is none."""
        with self._lock:
            while self._batches and self._file is not None:
                batch = self._batches.popleft()
                try:
                    return self._next(self._file, batch.size)
                except Exception:  # noqa: BLE001 - a disk that fails must not end the thread that exports
                    _log.debug("driftline: records that waited on disk are lost", exc_info=True)
                    self._counts.add("dropped", batch.spans, batch.events)
        return []

    def close(self) -> None:
        """Give the file up, with all that is in it."""
        with self._lock:
            if self._file is not None:
                self._file.close()

    def _write(self, folder: Path, records: Sequence[Any]) -> int:
        """Write a batch after the others; gives its size."""
        packed = _packed(records)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._written + len(packed) > self._limit:
            raise OSError(f"what waits on disk has reached its limit of {self._limit} bytes")
        if shutil.disk_usage(folder).free - len(packed) < KEEP_FREE:
            raise OSError(f"fewer than {KEEP_FREE} bytes are free on the disk of {folder}")
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - open until the end
        if os.pwrite(self._file.fileno(), packed, self._written) < len(packed):
            raise OSError("the disk took a part of it only")
        return len(packed)

    def _next(self, file: IO[bytes], size: int) -> list[Any]:
        packed = os.pread(file.fileno(), size, self._read)
        self._read += size
        if not self._batches:
            self._read = self._written = 0
            os.ftruncate(file.fileno(), 0)
        return list(pickle.loads(packed))  # noqa: S301 - this process wrote it, where nobody else can write


@dataclass(frozen=True, slots=True)
class _Batch:
    size: int
    spans: int
    events: int


def _packed(records: Sequence[Any]) -> bytes:
    file = io.BytesIO()
    _Writer(file, protocol=pickle.HIGHEST_PROTOCOL).dump(list(records))
    return file.getvalue()


class _Writer(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is not ObservedSpan:
            return NotImplemented
        for shared in (obj.recorder, obj.spec):
            _shared[id(shared)] = shared
        return _restored, (id(obj.recorder), id(obj.spec), obj.snapshot())


def _restored(recorder: int, spec: int, snapshot: tuple[Any, ...]) -> ObservedSpan:
    return ObservedSpan.restored(_shared[recorder], _shared[spec], snapshot)
