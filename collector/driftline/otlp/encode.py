"""Writes spans as OTLP protobuf, straight from their fields to bytes.

The SDK's encoder makes a protobuf message of each attribute and serializes those, at three times the CPU time
(``benchmarks/collector.py``). Field numbers are those of opentelemetry-proto's trace, common and resource
messages; a property test holds the bytes against protobuf's own parser.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    Redact = Callable[[str], str]

_HAS_IS_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200
"""Bits of ``Span.flags`` beside the W3C trace flags."""

_fixed64: Final = struct.Struct("<Q").pack
_fixed32: Final = struct.Struct("<I").pack
_double: Final = struct.Struct("<d").pack


def varint(number: int) -> bytes:
    """A number of at most 64 bits as protobuf writes it, negative ones as two's complement."""
    if 0 <= number < _READY:
        return _VARINTS[number]
    return _varint(number & (1 << 64) - 1)


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    written.append(number)
    return bytes(written)


_READY: Final = 2048
_VARINTS: Final = tuple(_varint(number) for number in range(_READY))
"""What nearly all lengths and counts are: looking one up takes a fifth of the time of writing it."""


_SHORT: Final = 32
"""Characters of a text that may come again and again, such as a model's name; ids of answers are longer."""

_MOST_KNOWN: Final = 4096


def _tag(field: int, wire_type: int) -> bytes:
    return varint(field << 3 | wire_type)


def block(tag: bytes, value: bytes) -> bytes:
    """A field of bytes: text, or another message."""
    return tag + varint(len(value)) + value


_1, _2, _3, _4, _5, _6, _7, _9, _11, _13, _15 = (_tag(field, 2) for field in (1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 15))
_TRUE, _FALSE = _tag(2, 0) + b"\x01", _tag(2, 0) + b"\x00"
_INT, _DOUBLE = _tag(3, 0), _tag(4, 1)
_KIND = _tag(6, 0)
_START, _END = _tag(7, 1), _tag(8, 1)
_DROPPED = (("dropped_attributes", _tag(10, 0)), ("dropped_events", _tag(12, 0)), ("dropped_links", _tag(14, 0)))
_STATUS_CODE = _tag(3, 0)
_FLAGS = _tag(16, 5)
_EVENT_TIME = _tag(1, 1)


class Encoder:
    """Writes spans; for one thread.

    Args:
        redact: what every text goes through: names, values of attributes, messages of status and events.
    """

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._pairs_known: dict[tuple[str, Any, type], bytes] = {}

    def span(self, span: ReadableSpan) -> bytes:
        """One ``Span`` message of an ended span."""
        place = span.context
        parts = [
            block(_1, place.trace_id.to_bytes(16, "big")),
            block(_2, place.span_id.to_bytes(8, "big")),
            block(_5, self._redact(span.name).encode()),
            _KIND + varint(span.kind.value + 1),
            _START + _fixed64(span.start_time or 0),
            _END + _fixed64(span.end_time or 0),
            self._pairs(_9, span.attributes or {}),
            self._status(span),
            _FLAGS + _fixed32(_flags(span)),
        ]
        if place.trace_state:
            parts.append(block(_3, place.trace_state.to_header().encode()))
        if span.parent is not None:
            parts.append(block(_4, span.parent.span_id.to_bytes(8, "big")))
        parts += [block(_11, self._event(event)) for event in span.events or ()]
        parts += [block(_13, self._link(link)) for link in span.links or ()]
        for name, tag in _DROPPED:
            dropped = getattr(span, name)
            if dropped:
                parts.append(tag + varint(dropped))
        return b"".join(parts)

    def resource(self, attributes: Mapping[str, Any]) -> bytes:
        """A ``Resource`` message."""
        return self._pairs(_1, attributes)

    def value(self, value: Any) -> bytes:
        """An ``AnyValue`` message; what OTLP has no type for is written as text, None as a value that is not set."""
        kind = type(value)
        if kind is str:
            written = text(self._redact(value))
            return _1 + varint(len(written)) + written
        if kind is bool:
            return _TRUE if value else _FALSE
        if kind is int:
            return _INT + varint(value) if -(1 << 63) <= value < 1 << 63 else block(_1, str(value)[:400].encode())
        if kind is float:
            return _DOUBLE + _double(value)
        return self._uncommon(value)

    def _status(self, span: ReadableSpan) -> bytes:
        status = span.status
        code, said = status.status_code.value, status.description
        if not code:
            return b""
        message = block(_2, text(self._redact(said))) if said else b""
        return block(_15, message + _STATUS_CODE + varint(code))

    def _event(self, event: Any) -> bytes:
        named = block(_2, text(self._redact(event.name)))
        return _EVENT_TIME + _fixed64(event.timestamp) + named + self._pairs(_3, event.attributes or {})

    def _link(self, link: Any) -> bytes:
        ids = block(_1, link.context.trace_id.to_bytes(16, "big")) + block(_2, link.context.span_id.to_bytes(8, "big"))
        return ids + self._pairs(_4, link.attributes or {})

    def _pairs(self, tag: bytes, attributes: Mapping[str, Any]) -> bytes:
        """Fields of ``KeyValue`` messages; short ones come again and again, and are looked up."""
        known = self._pairs_known
        parts: list[bytes] = []
        for key, value in attributes.items():
            kind = type(value)
            if kind is bool or (kind is str and len(value) <= _SHORT) or (kind is int and 0 <= value < _READY):
                place = (key, value, kind)  # with its type, as True is 1
                pair = known.get(place)
                if pair is None:
                    if len(known) >= _MOST_KNOWN:
                        known.clear()
                    pair = known[place] = self._pair(key, value)
            else:
                pair = self._pair(key, value)
            parts += (tag, pair)
        return b"".join(parts)

    def _pair(self, key: str, value: Any) -> bytes:
        named, written = _key(key), self.value(value)
        size = varint(len(written))
        return b"".join((varint(len(named) + 1 + len(size) + len(written)), named, _2, size, written))

    def _uncommon(self, value: Any) -> bytes:
        if value is None:
            return b""
        if isinstance(value, bytes):
            return block(_7, value)
        if isinstance(value, list | tuple):
            return block(_5, b"".join([block(_1, self.value(item)) for item in value]))
        if hasattr(value, "items"):
            return block(_6, self._pairs(_1, value))
        for plain in (bool, int, float):
            if isinstance(value, plain):
                return self.value(plain(value))
        return block(_1, text(self._redact(str(value))))


def encode_group(resource: bytes, scope: bytes, spans: Iterable[bytes]) -> bytes:
    """The ``resource_spans`` field of an ``ExportTraceServiceRequest``; such fields add up by concatenation.

    Args:
        resource: a ``Resource`` message.
        scope: an ``InstrumentationScope`` message.
        spans: ``Span`` messages.
    """
    listed = b"".join([block(_2, span) for span in spans])
    return block(_1, block(_1, resource) + block(_2, block(_1, scope) + listed))


def encode_scope(scope: InstrumentationScope | None) -> bytes:
    """An ``InstrumentationScope`` message."""
    if scope is None:
        return b""
    version = block(_2, scope.version.encode()) if scope.version else b""
    return block(_1, scope.name.encode()) + version


def _flags(span: ReadableSpan) -> int:
    flags = int(span.context.trace_flags) | _HAS_IS_REMOTE
    return flags | _IS_REMOTE if span.parent is not None and span.parent.is_remote else flags


@lru_cache(maxsize=2048)
def _key(key: str) -> bytes:
    """The key's field of a ``KeyValue``; keys are few and come again and again."""
    return block(_1, text(key))


def text(value: str) -> bytes:
    """UTF-8, with a question mark for each half of a character."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace")
