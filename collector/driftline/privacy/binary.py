"""Images, sound and files: what they are and how large, instead of themselves.

Encoded, they say nothing to a reader, take most of the room, and may show anything.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Final

from driftline.privacy.screen import COMMON, Scan, as_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHUNK: Final = 64 * 1024
"""Characters of base64 that are decoded at once; four of them are three bytes."""

_LONG: Final = 512
"""Characters from which base64 is taken for a file though nothing says so; keys and digests are shorter."""
_DENSE: Final = _LONG // 4
"""Of so many characters, this many are no common small letters, else it is a word."""

_LARGE: Final = 4096
_UNKNOWN: Final = "application/octet-stream"
_MAGIC: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
)
"""Rows of (place, bytes that stand there in such a file, its type)."""

_MARK: Final = "base64,"
_HEAD_MAX: Final = 400
_HEAD: Final = re.compile(r"data:([A-Za-z0-9.+-]{1,64}/[A-Za-z0-9.+-]{1,64})?(?:;[A-Za-z0-9=.+_-]{1,64}){0,4};")
_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# Writers of JSON may put a backslash before a slash.
_PAYLOAD: Final = re.compile(r"(?:[A-Za-z0-9+/_-]++|\\+/)++={0,2}")
_RUNS: Final = bytes(ord("a") if byte in _LETTERS + b"-_" else ord(" ") for byte in range(256))
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_LAYOUT: Final = b"\\= \t\r\n"
_ESCAPED: Final = re.compile(r"u[0-9A-Fa-f]{4}|.")


def describe_binary(data: bytes | str, mime: str | None = None) -> dict[str, str | int]:
    """Say what binary content is.

    Args:
        data: bytes; or base64 in either alphabet, perhaps in lines or cut off, or a data URL with such. Any other
            text is described as its own bytes in UTF-8.
        mime: its type, if known; else it is what a data URL says, else what the first bytes look like.

    Returns:
        ``mime_type``; ``size`` in bytes; ``sha256``, its first 16 hexadecimal digits: they tell whether two are the
        same, and are no proof against somebody who makes two that look it.
    """
    size, digest, head = 0, hashlib.sha256(), b""
    if isinstance(data, str):
        url = _HEAD.match(data)
        if url and data.startswith(_MARK, url.end()):
            mime, data = mime or url[1], data[url.end() + len(_MARK) :]
    for piece in (data,) if isinstance(data, bytes) else _decoded(data):
        head = head or piece[:16]
        size += len(piece)
        digest.update(piece)
    return {"mime_type": mime or _look_of(head), "size": size, "sha256": digest.hexdigest()[:16]}


def without_binary(text: str) -> str:
    """Put descriptions where a text holds data URLs or long base64; the same object when it holds none."""
    text = without_large_urls(text)
    scan = Scan(text)
    return replace_binary(scan) if may_hold_binary(scan) else text


def without_large_urls(text: str) -> str:
    """The same for data URLs in a long text, so that nothing else has to be done with what is in them."""
    return _described(text, _urls(text)) if len(text) > _LARGE and _MARK in text else text


def may_hold_binary(scan: Scan) -> bool:
    """Whether it is worth looking for."""
    return "64," in scan.rest or (
        len(scan.raw) >= _LONG and len(scan.rest) >= _DENSE and b"a" * _DENSE in as_bytes(scan.rest).translate(_RUNS)
    )


def replace_binary(scan: Scan) -> str:
    """Put descriptions where they belong."""
    return _described(scan.text, sorted([*_urls(scan.text), *_runs(scan)]))


def _described(text: str, places: Iterable[tuple[int, int]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in places:
        if start >= done:
            said = describe_binary(text[start:end])
            parts += text[done:start], f"[{said['mime_type']}, {said['size']} bytes, sha256:{said['sha256']}]"
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _urls(text: str) -> Iterator[tuple[int, int]]:
    at = text.find(_MARK)
    while at >= 0:
        begin = at + len(_MARK)
        start = text.rfind("data:", max(at - _HEAD_MAX, 0), at)
        payload = _PAYLOAD.match(text, begin) if start >= 0 and _HEAD.fullmatch(text, start, at) else None
        if payload:
            begin = payload.end()
            yield start, begin
        at = text.find(_MARK, begin)


def _runs(scan: Scan) -> Iterator[tuple[int, int]]:
    shape = scan.raw.translate(_RUNS)
    start = shape.find(b"a" * _LONG)
    while start >= 0:
        end = shape.find(b" ", start)
        end = len(shape) if end < 0 else end
        sample = scan.raw[start : start + _LONG]
        dense = len(sample.translate(None, COMMON)) >= _DENSE
        if dense and any(map(str.isdigit, sample.decode())) and any(map(str.isupper, sample.decode())):
            if scan.text[start - 1 : start] == "\\":  # its first letter belongs to an escape: \nAAAA
                start = _ESCAPED.match(scan.text, start).end()  # type: ignore[union-attr]
            padding = len(scan.text[end : end + 2]) - len(scan.text[end : end + 2].lstrip("="))
            yield start, end + padding
        start = shape.find(b"a" * _LONG, end)


def _decoded(text: str) -> Iterator[bytes]:
    body = text.encode("ascii", "replace").translate(_STANDARD, _LAYOUT)
    if body.translate(None, _LETTERS):
        yield text.encode("utf-8", "replace")
        return
    for start in range(0, len(body), _CHUNK):
        chunk = body[start : start + _CHUNK]
        whole = chunk[:-1] if len(chunk) % 4 == 1 else chunk  # a cut one may end within a byte
        yield binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _look_of(head: bytes) -> str:
    return next((mime for place, magic, mime in _MAGIC if head.startswith(magic, place)), _UNKNOWN)
