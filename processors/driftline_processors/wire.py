"""Reads damaged OTLP messages as far as they can be read, and says where they break.

Protobuf's own parsers give a whole message or nothing. This one walks the fields by the message's
descriptor, notes each fault with its byte, and goes on after the block that the fault is in.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import Descriptor

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_SIZES: Final = {_FIXED64: 8, _FIXED32: 4}
_WIRE_TYPES: Final = {
    FieldDescriptor.TYPE_DOUBLE: _FIXED64,
    FieldDescriptor.TYPE_FIXED64: _FIXED64,
    FieldDescriptor.TYPE_SFIXED64: _FIXED64,
    FieldDescriptor.TYPE_FLOAT: _FIXED32,
    FieldDescriptor.TYPE_FIXED32: _FIXED32,
    FieldDescriptor.TYPE_STRING: _LENGTH,
    FieldDescriptor.TYPE_BYTES: _LENGTH,
    FieldDescriptor.TYPE_MESSAGE: _LENGTH,
}
_SHOWN_CHARACTERS: Final = 120
_DEEPEST: Final = 60
_LINES: Final = 2000


@dataclass(frozen=True)
class Fault:
    """Something that no message can have.

    Attributes:
        at: the byte where it starts, from 0.
        path: of fields, such as ``resource_spans.scope_spans.spans``; '' in the outermost message.
        why: what was expected and what came.
    """

    at: int
    path: str
    why: str

    def __str__(self) -> str:
        return f"byte {self.at}{f', in {self.path}' if self.path else ''}: {self.why}"


@dataclass
class Reading:
    """What could be read.

    Attributes:
        lines: fields with their values, indented by depth; at most 2000.
        faults: in the order of the bytes, one in a block before that of the block itself.
    """

    lines: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class _Broken(Exception):  # noqa: N818  never leaves this module
    """The rest of the block cannot be read."""

    def __init__(self, at: int, why: str) -> None:
        self.at = at
        self.why = why


def read(value: bytes, message: Descriptor) -> Reading:
    """Walk the bytes of a message of the given type; never raises."""
    walk = _Walk(value)
    walk.block(0, len(value), message)
    return walk.reading


def hex_dump(value: bytes, around: int, *, rows: int = 8) -> list[str]:
    """Bytes in rows of 16, as numbers and as text, with the row of the byte ``around`` in the middle and marked."""
    middle = around // 16
    first = max(0, middle - rows // 2)
    lines = []
    for row in range(first, min(first + rows, (len(value) + 15) // 16)):
        part = value[row * 16 : row * 16 + 16]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        mark = ">" if row == middle else " "
        lines.append(f"{mark} {row * 16:8d}  {part.hex(' '):<47}  {text}")
    return lines


class _Walk:
    def __init__(self, value: bytes) -> None:
        self.reading = Reading()
        self._value = value
        self._path: list[str] = []

    def block(self, at: int, end: int, message: Descriptor | None) -> None:
        """Read the fields of one message; after a fault the rest of it is given up."""
        known = {} if message is None else message.fields_by_number
        try:
            while at < end:
                at = self._field(at, end, known)
        except _Broken as broken:
            self._fault(broken.at, broken.why)

    def _field(self, start: int, end: int, known: Mapping[int, FieldDescriptor]) -> int:
        """Read one field; gives the byte after it."""
        tag, at = _varint(self._value, start, end)
        if not tag >> 3:
            raise _Broken(start, "a field has the number 0")
        kind, wire_type = known.get(tag >> 3), tag & 7
        name = f"field {tag >> 3}" if kind is None else kind.name
        expected = wire_type if kind is None else _WIRE_TYPES.get(kind.type, _VARINT)
        if wire_type != expected:
            self._fault(start, f"{name} has wire type {wire_type} where {expected} was expected")
            kind = None
        if wire_type == _VARINT:
            number, at = _varint(self._value, at, end)
            self._say(f"{name}: {number}")
            return at
        if wire_type in _SIZES:
            size = _SIZES[wire_type]
            _need(at, size, end, name)
            self._say(f"{name}: {_number(self._value[at : at + size], kind)}")
            return at + size
        if wire_type != _LENGTH:
            raise _Broken(start, f"{name} has the wire type {wire_type}, which OTLP does not use")
        size, at = _varint(self._value, at, end)
        self._content(at, min(at + size, end), kind, name)
        _need(at, size, end, name)
        return at + size

    def _content(self, at: int, end: int, kind: FieldDescriptor | None, name: str) -> None:
        """Read what has a length: a message, a text or bytes; the part that is there if it is cut off."""
        if kind is not None and kind.type == FieldDescriptor.TYPE_MESSAGE:
            if len(self._path) == _DEEPEST:
                raise _Broken(at, f"{name} is nested more than {_DEEPEST} deep")
            self._say(f"{name}:")
            self._path.append(name)
            self.block(at, end, kind.message_type)
            self._path.pop()
        elif kind is not None and kind.type == FieldDescriptor.TYPE_STRING:
            self._say(f"{name}: {_text(self._value[at:end])}")
        else:
            self._say(f"{name}: {_cut(self._value[at:end].hex())} ({end - at} bytes)")

    def _fault(self, at: int, why: str) -> None:
        self.reading.faults.append(Fault(at, ".".join(self._path), why))
        self._say(f"!! byte {at}: {why}")

    def _say(self, line: str) -> None:
        if len(self.reading.lines) < _LINES:
            self.reading.lines.append("  " * len(self._path) + line)
        elif len(self.reading.lines) == _LINES:
            self.reading.lines.append("…")


def _varint(value: bytes, at: int, end: int) -> tuple[int, int]:
    number = 0
    for position in range(at, min(at + 10, end)):
        number |= (value[position] & 0x7F) << 7 * (position - at)
        if value[position] < 0x80:
            return number, position + 1
    raise _Broken(at, "a number has more than 10 bytes" if end - at >= 10 else "the message ends within a number")


def _need(at: int, size: int, end: int, name: str) -> None:
    if size > end - at:
        raise _Broken(at, f"{name} should have {size} bytes but {end - at} are left of what it is in")


def _number(raw: bytes, known: FieldDescriptor | None) -> str:
    if known is not None and known.type == FieldDescriptor.TYPE_DOUBLE:
        return repr(struct.unpack("<d", raw)[0])
    return str(int.from_bytes(raw, "little"))


def _text(raw: bytes) -> str:
    try:
        return repr(_cut(raw.decode()))
    except UnicodeDecodeError:
        return f"{_cut(raw.decode(errors='replace'))!r} (not UTF-8)"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
