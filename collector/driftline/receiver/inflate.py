"""Undoes ``Content-Encoding`` without ever holding more than allowed."""

from __future__ import annotations

import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from driftline.receiver.refusals import RefusedError, too_large, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP: Final = 262_144
_MEMBERS: Final = 16
"""Streams that one gzip body may consist of: each costs a copy of what follows it."""

_GZIP: Final = zlib.MAX_WBITS | 16


def checked_encoding(header: str) -> str:
    """The encoding that a header names, before the body is read.

    Raises:
        RefusedError: it is none that we know.
    """
    encoding = header.strip().lower().replace("x-gzip", "gzip") or "identity"
    if encoding not in {"identity", "gzip", "deflate"}:
        raise RefusedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the Content-Encoding must be gzip, deflate or identity; set no other"
        )
    return encoding


def inflated(body: bytes, encoding: str, *, limit: int, take: Callable[[int], None]) -> bytes:
    """Decompress a body.

    Args:
        body: as sent.
        encoding: from ``checked_encoding``.
        limit: most bytes allowed afterwards.
        take: called with the size of each part, to ask for its memory; may raise.

    Raises:
        RefusedError: too large, damaged or cut short.
    """
    if encoding == "identity" or not body:
        return body
    try:
        return _inflated(body, _GZIP if encoding == "gzip" else _deflate_form(body), limit, take)
    except zlib.error:
        raise unreadable(f"it is no valid {encoding}") from None


def _inflated(body: bytes, form: int, limit: int, take: Callable[[int], None]) -> bytes:
    whole, rest = bytearray(), body
    for _ in range(_MEMBERS):
        machine = zlib.decompressobj(form)
        while not machine.eof:
            piece = machine.decompress(rest, _STEP)
            rest = machine.unconsumed_tail
            if not piece and not machine.eof:
                raise unreadable("its compressed data is cut short")
            if len(whole) + len(piece) > limit:
                raise too_large(limit)
            take(len(piece))
            whole += piece
        rest = machine.unused_data
        if not rest:
            return bytes(whole)
    raise unreadable(f"it consists of more than {_MEMBERS} compressed streams")


def _deflate_form(body: bytes) -> int:
    """HTTP's deflate means the zlib form, but some clients send it raw, without the two bytes at its head."""
    has_head = len(body) > 1 and body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if has_head else -zlib.MAX_WBITS
