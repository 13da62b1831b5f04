"""Ways to damage an OTLP message, from a flipped bit to values nested ten thousand deep."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from fuzz.odd import odd
from ingest_support import FIXTURES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_HUGE = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
_NO_UTF8 = (b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x80")
_LONGEST = 1_000_000
"""The bus takes no longer messages."""

_DEPTHS = (10, 101, 1000, 10_000)


@functools.cache
def corpus(suffix: str) -> tuple[bytes, ...]:
    """All captured messages of one kind: ``.otlp.pb`` or ``.logs.pb``."""
    return tuple(path.read_bytes() for path in sorted(FIXTURES.rglob(f"*{suffix}")))


def mutated(chance: random.Random, suffix: str) -> bytes:
    """A captured message that says odd things, and in one case of five is damaged too."""
    value = odd(chance, chance.choice(corpus(suffix)), suffix)
    for _ in range(chance.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 3))):
        value = chance.choice(_DAMAGES)(chance, value, suffix)
    if chance.random() < 0.2:
        value = chance.choice(_STRANGE)(chance, value, suffix)
    return value if len(value) <= _LONGEST else value[:_LONGEST]


def _flipped_bits(chance: random.Random, value: bytes, _suffix: str) -> bytes:
    damaged = bytearray(value)
    for _ in range(chance.choice((1, 1, 2, 8)) if damaged else 0):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _other_bytes(chance: random.Random, value: bytes, _: str) -> bytes:
    at = chance.randrange(len(value) + 1)
    return value[:at] + chance.randbytes(chance.randrange(1, 9)) + value[at + chance.randrange(9) :]


def _truncated(chance: random.Random, value: bytes, _: str) -> bytes:
    return value[: chance.randrange(len(value) + 1)]


def _changed_length(chance: random.Random, value: bytes, _: str) -> bytes:
    """Another length before one of the blocks that messages, texts and lists are."""
    blocks = _blocks(value)
    if not blocks:
        return value
    at, size = chance.choice(blocks)
    other = chance.choice((0, max(0, size - 1), size + 1, size * 2, len(value), 2**31 - 1, 2**32, 2**63))
    return value[:at] + varint(other) + value[at + len(varint(size)) :]


def _spliced(chance: random.Random, value: bytes, suffix: str) -> bytes:
    other = chance.choice(corpus(suffix))
    return value[: chance.randrange(len(value) + 1)] + other[chance.randrange(len(other) + 1) :]


def _repeated_block(chance: random.Random, value: bytes, _: str) -> bytes:
    """A field twice, or many times; the lengths around it stay what they were, unless it is outermost."""
    blocks = _blocks(value)
    if not blocks:
        return value
    at, size = chance.choice(blocks)
    block = value[at - 1 : at + len(varint(size)) + size]
    return value + value if chance.random() < 0.3 else value[: at - 1] + block * chance.choice((2, 3, 50)) + value[at:]


def _huge_number(chance: random.Random, value: bytes, _: str) -> bytes:
    at = chance.randrange(len(value) + 1)
    return value[:at] + chance.choice((_HUGE, _HUGE + b"\x01", b"\xff" * 10, b"\xff" * 30)) + value[at:]


def _no_utf8(chance: random.Random, value: bytes, _: str) -> bytes:
    """Bytes that no UTF-8 has in place of as many, so that all lengths stay right."""
    bad = chance.choice(_NO_UTF8)
    texts = [(at + len(varint(size)), size) for at, size in _blocks(value) if size >= len(bad)]
    if not texts:
        return value
    start, size = chance.choice(texts[-max(1, len(texts) // 2) :])
    at = start + chance.randrange(size - len(bad) + 1)
    return value[:at] + bad + value[at + len(bad) :]


def _deep(chance: random.Random, value: bytes, suffix: str) -> bytes:
    """One more resource block, with an attribute that is nested deeply."""
    return value + _deep_block(chance.choice(_DEPTHS), kvlist=chance.random() < 0.5, logs="logs" in suffix)


@functools.cache
def _deep_block(depth: int, *, kvlist: bool, logs: bool) -> bytes:
    value = block(1, b"deep")
    for _ in range(depth):
        inner = block(2, value)
        value = block(6, block(1, block(1, b"k") + inner)) if kvlist else block(5, block(1, value))
    attribute = block(1, b"gen_ai.input.messages") + block(2, value)
    record = block(6 if logs else 9, attribute) + block(9 if logs else 1, bytes(16))
    return block(1, block(2, block(2, record)))


def _unknown_field(chance: random.Random, value: bytes, _: str) -> bytes:
    number = chance.choice((15, 16, 100, 19_000, 2**28))
    tag = varint(number << 3 | chance.randrange(8))
    return value + tag + chance.randbytes(chance.randrange(12))


_DAMAGES: tuple[Callable[[random.Random, bytes, str], bytes], ...] = (
    _flipped_bits,
    _flipped_bits,
    _other_bytes,
    _truncated,
    _changed_length,
    _spliced,
    _repeated_block,
    _huge_number,
    _unknown_field,
)
_STRANGE = (_no_utf8, _no_utf8, _deep)
"""What mostly can still be read."""


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def block(number: int, content: bytes) -> bytes:
    """A field with a length."""
    return varint(number << 3 | 2) + varint(len(content)) + content


@functools.lru_cache(maxsize=4096)
def _blocks(value: bytes) -> list[tuple[int, int]]:
    """Where blocks have their length, and their size; some that are none are found too, which is welcome."""
    found: list[tuple[int, int]] = []
    _walk(value, 0, len(value), found)
    return found


def _walk(value: bytes, at: int, end: int, found: list[tuple[int, int]]) -> None:
    while at + 1 < end and len(found) < 300:
        kind = value[at] & 7
        at += 1
        if kind in {1, 5}:
            at += 8 if kind == 1 else 4
            continue
        start, size, shift = at, 0, 0
        while at < end and shift < 63:
            size |= (value[at] & 0x7F) << shift
            shift += 7
            at += 1
            if value[at - 1] < 0x80:
                break
        if kind == 0:
            continue
        if kind != 2 or size > end - at:
            return
        found.append((start, size))
        if size > 2:
            _walk(value, at, at + size, found)
        at += size
