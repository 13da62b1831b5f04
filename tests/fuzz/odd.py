"""Messages that are right as protobuf and odd in what they say: other types, extreme numbers, missing parts."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from ingest_support import FIXTURES

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

_TEXTS = (
    "", "0", "-1", "1e400", "NaN", "null", "true", "[]", "{}", "[" * 500, '{"a":', "\0", "é" * 300, "9" * 400,
    "x" * 70_000,
)  # fmt: skip
_NUMBERS = (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))
_DOUBLES = (0.0, -0.0, 1e-320, 1e308, -1e308, math.inf, -math.inf, math.nan)


def odd(chance: random.Random, value: bytes, suffix: str) -> bytes:
    """Change some of what a message says; what cannot be read is given back as it came."""
    kind: Any = ExportLogsServiceRequest if "logs" in suffix else ExportTraceServiceRequest
    try:
        request = kind.FromString(value)
        parts = list(_parts(request))
        for _ in range(chance.choice((1, 2, 5))):
            _change(chance, chance.choice(parts))
        return bytes(request.SerializeToString())
    except (DecodeError, RecursionError):
        return value


def _parts(message: Message) -> Iterator[Message]:
    yield message
    for field, found in message.ListFields():
        if field.message_type is None:
            continue
        for part in found if field.is_repeated else (found,):
            yield from _parts(part)


def _change(chance: random.Random, part: Message) -> None:
    if isinstance(part, AnyValue):
        part.CopyFrom(_any_value(chance))
        return
    if isinstance(part, KeyValue):
        part.key = chance.choice(_keys()) if chance.random() < 0.5 else part.key
        part.value.CopyFrom(_any_value(chance))
        return
    field: Any = chance.choice(part.DESCRIPTOR.fields)
    if chance.random() < 0.2:
        part.ClearField(field.name)
    elif field.is_repeated:
        _repeat(chance, getattr(part, field.name))
    elif field.message_type is None:
        setattr(part, field.name, _scalar(chance, field))


def _repeat(chance: random.Random, parts: Any) -> None:
    for _ in range(chance.choice((1, 2, 300))):
        if parts:
            parts.add().CopyFrom(chance.choice(parts))
        else:
            parts.add()


def _scalar(chance: random.Random, field: Any) -> object:
    if field.type == field.TYPE_STRING:
        return chance.choice(_TEXTS)
    if field.type == field.TYPE_BYTES:
        return chance.randbytes(chance.choice((0, 1, 7, 8, 15, 16, 17, 300)))
    if field.type in {field.TYPE_FIXED64, field.TYPE_UINT64}:
        return chance.choice((0, 1, 2**63, 2**64 - 1, chance.getrandbits(64)))
    return chance.choice((0, 1, 2, 3, 7, 1000))


def _any_value(chance: random.Random, depth: int = 0) -> AnyValue:
    kind = chance.randrange(8 if depth < 3 else 6)
    value = AnyValue()
    if kind == 0:
        value.string_value = chance.choice(_TEXTS)
    elif kind == 1:
        value.bool_value = chance.random() < 0.5
    elif kind == 2:
        value.int_value = chance.choice(_NUMBERS)
    elif kind == 3:
        value.double_value = chance.choice(_DOUBLES)
    elif kind == 4:
        value.bytes_value = chance.randbytes(chance.choice((0, 1, 50)))
    elif kind == 6:
        value.array_value.values.extend(_any_value(chance, depth + 1) for _ in range(chance.randrange(4)))
    elif kind == 7:
        for _ in range(chance.randrange(4)):
            value.kvlist_value.values.add(key=chance.choice(_keys()), value=_any_value(chance, depth + 1))
    return value


@functools.cache
def _keys() -> tuple[str, ...]:
    """Every attribute key of the captured requests, so that a strange value meets a view that reads it."""
    keys = {""}
    for path in sorted(FIXTURES.rglob("*.pb")):
        kind: Any = ExportLogsServiceRequest if path.name.endswith(".logs.pb") else ExportTraceServiceRequest
        keys.update(part.key for part in _parts(kind.FromString(path.read_bytes())) if isinstance(part, KeyValue))
    return tuple(sorted(keys))
