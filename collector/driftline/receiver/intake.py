"""From a request's bytes to messages on the bus. Knows nothing of HTTP; runs in worker threads."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from driftline.errors import BusError
from driftline.otlp.decode import TooManyRecordsError, UnreadableError, from_json, from_protobuf
from driftline.receiver.answers import Encoding
from driftline.receiver.refusals import bus_away, too_many, unreadable

if TYPE_CHECKING:
    from driftline.bus import Producer
    from driftline.otlp.signals import Signal
    from driftline.receiver.counts import Counts

logger = logging.getLogger(__name__)

_LARGE_BYTES: Final = 1_000_000
_WARN_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Stored:
    """What became of a request.

    Attributes:
        accepted: records that are on the bus now.
        rejected: records that never will be.
        why: the reason, if there are any.
    """

    accepted: int
    rejected: int = 0
    why: str = ""


class Intake:
    """Puts requests on the bus; returns only when they are there."""

    def __init__(self, producer: Producer, *, max_message_bytes: int, counts: Counts) -> None:
        self._producer = producer
        self._max_message_bytes = max_message_bytes
        self._counts = counts
        # Parsed, a request takes many times its bytes, so only one large one is parsed at a time.
        self._large = threading.Lock()
        self._warned = -_WARN_SECONDS

    def store(self, signal: Signal, encoding: Encoding, body: bytes) -> Stored:
        """Store one request, whole or without those records that are too large even alone.

        Raises:
            RefusedError: it cannot be read, or the bus is away. In the second case some of a request that
                needed several messages may be on the bus; the sender sends it again whole.
        """
        with self._large if len(body) > _LARGE_BYTES else contextlib.nullcontext():
            stored = self._store(signal, encoding, body)
        self._counts.stored(signal.name, stored.accepted, stored.rejected)
        return stored

    def _store(self, signal: Signal, encoding: Encoding, body: bytes) -> Stored:
        request = _parsed(signal, encoding, body)
        value = bytes(request.SerializeToString()) if encoding is Encoding.JSON else body
        count = signal.count(request)
        if not count:
            return Stored(0)
        if len(value) <= self._max_message_bytes:
            self._send(signal.topic, value, signal.trace_key(request))
            return Stored(count)
        return self._store_in_pieces(signal, request, count)

    def _store_in_pieces(self, signal: Signal, request: Any, count: int) -> Stored:
        rejected = 0
        for piece in signal.split(request, self._max_message_bytes):
            if len(piece) > self._max_message_bytes:
                rejected += 1  # a piece is too large only if it holds a single record
            else:
                self._send(signal.topic, piece, signal.trace_key(signal.request.FromString(piece)))
        why = (
            f"{rejected} of {count} {signal.name} exceed {self._max_message_bytes} bytes, the most that a message of "
            "the bus may have; shorten their content, or raise the receiver's DRIFTLINE_MAX_MESSAGE_BYTES"
        )
        return Stored(count - rejected, rejected, why if rejected else "")

    def _send(self, topic: str, value: bytes, key: bytes | None) -> None:
        try:
            self._producer.send(topic, value, key=key)
        except Exception as error:  # noqa: BLE001 - with a client library's bug, too, the sender keeps the request
            self._warn(error)
            raise bus_away() from None

    def _warn(self, error: Exception) -> None:
        """Say at most once a minute what is wrong with the bus."""
        now = time.monotonic()
        if now - self._warned < _WARN_SECONDS:
            return
        self._warned = now
        if isinstance(error, BusError):
            logger.warning("requests are refused, to be sent again: %s", error)
        else:
            logger.error("requests are refused, to be sent again: the bus fails", exc_info=error)


def _parsed(signal: Signal, encoding: Encoding, body: bytes) -> Any:
    try:
        return from_json(signal, body) if encoding is Encoding.JSON else from_protobuf(signal, body)
    except TooManyRecordsError as error:
        raise too_many(str(error)) from None
    except UnreadableError as error:
        raise unreadable(str(error)) from None
