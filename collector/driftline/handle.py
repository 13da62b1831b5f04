"""What feedback is about: a request, named by an object here or by a token anywhere else.

A token goes through a browser and comes back, perhaps to another process, days later. So it carries
all that is needed to file the feedback under the request's segment, and nothing that a user wrote.
It is not signed: who holds one can judge that request, as with any feedback form.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX = "dl1_"
_MAX_TOKEN = 4096
_MAX_NAME = 256
_MAX_RESPONSE_ID = 1000
_TRACE_ID = re.compile("[0-9a-fA-F]{32}")
_UINT64 = 1 << 64
_UINT128 = 1 << 128


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """A request and its segment.

    Attributes:
        start_ns: when it started, in nanoseconds since 1970.
        model: the model that answered, if known yet.
        response_id: the provider's id of the answer, if known yet.
        variant: of an experiment, as ``name:variant``.
    """

    trace_id: int
    span_id: int
    start_ns: int
    service: str | None = None
    environment: str | None = None
    feature: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    model: str | None = None
    response_id: str | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A request of which only one id is known; the rest is found in the store.

    Attributes:
        trace_id: 0 if it is not known.
        response_id: the provider's id of the answer.
    """

    trace_id: int = 0
    response_id: str | None = None


class Handle:
    """A request to give feedback on; stays usable after the request has ended.

    ``str(handle)`` is its token: opaque URL-safe text for a client to send back. It describes what is
    known when it is made; after the answer has arrived that includes the model.
    """

    __slots__ = ("_info",)

    def __init__(self, info: Callable[[], RequestInfo]) -> None:
        self._info = info

    @property
    def info(self) -> RequestInfo:
        """The request as far as it is known now."""
        return self._info()

    @property
    def trace_id(self) -> str:
        """The trace id as 32 hexadecimal digits."""
        return f"{self.info.trace_id:032x}"

    @property
    def span_id(self) -> str:
        """The id of the request's outermost observed span as 16 hexadecimal digits."""
        return f"{self.info.span_id:016x}"

    def __str__(self) -> str:
        return encode(self.info)

    def __repr__(self) -> str:
        return f"Handle(trace_id={self.trace_id!r}, span_id={self.span_id!r})"


_FIELDS = fields(RequestInfo)
"""A token's list in order; what is added comes last, so that older tokens can still be read."""


def encode(info: RequestInfo) -> str:
    """Make the token of a request."""
    values = [value[:_MAX_NAME] if isinstance(value, str) else value for value in astuple(info)]
    while values[-1] is None:
        values.pop()
    packed = json.dumps(values, separators=(",", ":"), ensure_ascii=True).encode()
    return _PREFIX + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(token: str) -> RequestInfo:
    """Read a token, which may have been tampered with on its way.

    Raises:
        ValueError: it is not a token of ours; the message does not repeat it.
    """
    if not token.startswith(_PREFIX) or len(token) > _MAX_TOKEN:
        raise ValueError(f"not a feedback token: expected text starting with {_PREFIX!r}, as str(handle) gives it")
    packed = token.removeprefix(_PREFIX)
    try:
        values = json.loads(base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise ValueError("the feedback token is damaged; was it cut or re-encoded on its way?") from None
    if not isinstance(values, list) or not 3 <= len(values) <= len(_FIELDS) or not _ids_fit(values[:3]):
        raise ValueError("the feedback token is damaged; was it cut or re-encoded on its way?")
    names = values[3:]
    if not all(name is None or (isinstance(name, str) and len(name) <= _MAX_NAME) for name in names):
        raise ValueError("the feedback token names its request in a way that Driftline never does")
    return RequestInfo(*values)


def named(trace_id: str | None, response_id: str | None) -> Named:
    """Read the id of a request as somebody wrote it.

    Raises:
        ValueError: it is none, or both are given; the message does not repeat it.
    """
    if (trace_id is None) == (response_id is None):
        raise ValueError("it needs one of a handle, a trace_id and a response_id")
    if response_id is not None:
        if not isinstance(response_id, str) or not 0 < len(response_id) <= _MAX_RESPONSE_ID:
            raise ValueError(f"the response_id must be text of 1 to {_MAX_RESPONSE_ID} characters")
        return Named(response_id=response_id)
    if not isinstance(trace_id, str) or not _TRACE_ID.fullmatch(trace_id) or not int(trace_id, 16):
        raise ValueError("the trace_id must be 32 hexadecimal digits, as handle.trace_id gives them")
    return Named(trace_id=int(trace_id, 16))


def _ids_fit(ids: list[Any]) -> bool:
    limits = (_UINT128, _UINT64, _UINT64)
    return all(type(number) is int and 0 < number < limit for number, limit in zip(ids, limits, strict=True))
