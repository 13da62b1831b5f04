"""Reads OTLP requests, in protobuf and in OTLP's own JSON.

OTLP/JSON is protobuf's JSON mapping with one difference: trace and span ids are hexadecimal, where the
mapping has base64 for all bytes. So ids are rewritten first, and protobuf's own parser does the rest.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from google.protobuf.message import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.otlp.signals import Signal

MAX_RECORDS: Final = 100_000
"""Records in one request: an empty one has two bytes on the wire but many in memory."""

_IDS: Final = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")
_HALF_CHARACTER: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_OBJECT: Final = re.compile(rb"[ \t\r\n]*\{")


class UnreadableError(ValueError):
    """Bytes that are no request of their signal; its text says what was expected."""


class TooManyRecordsError(UnreadableError):
    """A request with more records than ``MAX_RECORDS``."""


def is_json(body: bytes) -> bool:
    """Whether a request without a content type is JSON; else it is protobuf.

    A JSON request begins with ``{``, after optional blanks. No protobuf request does, except that its first byte,
    0x0A, is also a line feed, and the second, a length, may be the byte of ``{``. The byte 0x12 decides: JSON has
    control characters only as escapes, and it is the tag of field 2, under which any record comes: ``scope_spans`` in
    a resource block, ``spans`` in a scope block, and likewise for logs.
    """
    return _OBJECT.match(body) is not None and b"\x12" not in body


def from_protobuf(signal: Signal, body: bytes) -> Any:
    """Parse a protobuf request.

    Raises:
        UnreadableError: it is none, or has too many records.
    """
    try:
        request = signal.request.FromString(body)
    except DecodeError:
        raise UnreadableError(f"it is no {signal.request.__name__} in protobuf") from None
    if signal.count(request) > MAX_RECORDS:
        raise _too_many(signal)
    return request


def from_json(signal: Signal, body: bytes) -> Any:
    """Parse a JSON request; fields that are not known are ignored.

    Raises:
        UnreadableError: it is none, or has too many records.
    """
    try:
        document = _an_object(json.loads(body))
        if _HALF_CHARACTER.search(body):
            document = _without_half_characters(document)
        _rewrite_all_ids(signal, document)
        request = json_format.ParseDict(document, signal.request(), ignore_unknown_fields=True)
        request.ByteSize()  # what nests too deeply to be written is found here
    except TooManyRecordsError:
        raise
    except Exception as error:  # noqa: BLE001 - the parser meets malformed documents with whatever it runs into
        raise UnreadableError(f"it is no {signal.request.__name__} in OTLP's JSON ({type(error).__name__})") from None
    return request


def _rewrite_all_ids(signal: Signal, document: dict[str, Any]) -> None:
    for number, record in enumerate(_records(signal, document), 1):
        if number > MAX_RECORDS:
            raise _too_many(signal)
        _rewrite_ids(record)


def _records(signal: Signal, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for group in _blocks(document, signal.groups):
        for scope in _blocks(group, signal.scopes):
            yield from _blocks(scope, signal.records)


def _blocks(parent: dict[str, Any], field: str) -> Iterator[dict[str, Any]]:
    """The objects in a list; a field that is no list is left for the parser to complain about."""
    for name in {_camel(field), field}:
        found = parent.get(name)
        yield from map(_an_object, found if isinstance(found, list) else ())


def _an_object(value: Any) -> dict[str, Any]:
    """The value, if it is an object; the parser would take a text for one without any known field."""
    if not isinstance(value, dict):
        raise TypeError(f"an object was expected, not {type(value).__name__}")
    return value


def _rewrite_ids(record: dict[str, Any]) -> None:
    for block in (record, *_blocks(record, "links")):
        for name in _IDS:
            value = block.get(name)
            if isinstance(value, str):
                block[name] = base64.b64encode(binascii.unhexlify(value)).decode()


def _camel(field: str) -> str:
    head, *rest = field.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _without_half_characters(value: Any) -> Any:
    """JavaScript cuts texts between the halves of a character; UTF-8 has no halves, so they become ``?``."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [_without_half_characters(item) for item in value]
        case dict():
            return {key: _without_half_characters(item) for key, item in value.items()}
    return value


def _too_many(signal: Signal) -> TooManyRecordsError:
    return TooManyRecordsError(f"the request has more than {MAX_RECORDS} {signal.name}; send smaller batches")
