"""What is sent back, in the encoding in which the request came."""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

if TYPE_CHECKING:
    from driftline.otlp.signals import Signal
    from driftline.receiver.intake import Stored
    from driftline.receiver.refusals import RefusedError


class Encoding(enum.Enum):
    """The two forms of OTLP over HTTP; the value is the content type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


def encoding_of(content_type: str) -> Encoding | None:
    """The encoding that a request's header names, if it is one of ours."""
    name = content_type.partition(";")[0].strip().lower()
    return Encoding(name) if name in {known.value for known in Encoding} else None


def acknowledgement(signal: Signal, stored: Stored, encoding: Encoding) -> bytes:
    """The body that says what is on the bus, and what of the request could not be put there."""
    response: Any = signal.response()
    if stored.rejected:
        setattr(response.partial_success, signal.rejected, stored.rejected)
        response.partial_success.error_message = stored.why
    if encoding is Encoding.JSON:
        return json_format.MessageToJson(response, indent=None).encode()
    return bytes(response.SerializeToString())


def explanation(error: RefusedError, encoding: Encoding) -> bytes:
    """A ``google.rpc.Status`` that says why nothing was taken."""
    if encoding is Encoding.JSON:
        return json.dumps({"code": error.code, "message": error.message}).encode()
    # Two fields, written by hand: field 1 is the code, a number below 128, field 2 the text. The package
    # with the generated class would be a dependency for these lines alone.
    text = error.message.encode()
    return bytes((0x08, error.code, 0x12)) + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
