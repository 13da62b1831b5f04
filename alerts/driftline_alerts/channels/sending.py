"""One HTTP request to a channel's service, and what is made of the end it has: in no text is an address or a secret."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from driftline_alerts.notifier import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http.client import HTTPResponse

SECONDS: Final = 10
"""How long a service may keep silent."""

_MOST_BYTES: Final = 4_000_000
"""Of an answer that are read: a page of a Slack channel's history is the largest."""

_LONGEST_WAIT: Final = 3600.0
"""In seconds: a service that asks for more may not mean it."""

_UNKNOWN_END: Final = frozenset({408, 502, 504})
_BUSY: Final = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Answer:
    """What a service said.

    Attributes:
        headers: names in small letters.
        text: of the body; '' where it could not be read to its end.
    """

    status: int
    headers: Mapping[str, str]
    text: str


class _NoRedirects(HTTPRedirectHandler):
    """What is signed or secret goes where the configuration says and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        """Make none, so that the answer counts as it is."""


class _NotConnectedError(OSError):
    """There was no connection, be it to the proxy, through it or encrypted: so nothing was sent."""


class _Plain(HTTPConnection):
    def connect(self) -> None:
        with _connecting():
            super().connect()


class _Encrypted(HTTPSConnection):
    def connect(self) -> None:
        with _connecting():
            super().connect()


class _PlainHandler(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Plain, req)


class _EncryptedHandler(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Encrypted, req)


def post(url: str, body: bytes, headers: Mapping[str, str], *, who: str, key: str) -> Answer:
    """Send one request, through the proxy that the environment names for its host.

    Args:
        url: where to; it may be a secret.
        body: what to send.
        headers: its kind, and what lets us in.
        who: the channel and its service, to begin a message with.
        key: of the channel's configuration that is wrong if nobody listens there.

    Returns:
        The answer, whatever its status; a redirection too is one.

    Raises:
        DeliveryError: there was none.
    """
    request = Request(url, body, {"User-Agent": "driftline", **headers}, method="POST")  # noqa: S310  checked when read
    try:
        with build_opener(_NoRedirects, _PlainHandler, _EncryptedHandler).open(request, timeout=SECONDS) as response:
            return _answer(response.status, response)
    except HTTPError as error:
        with error:
            return _answer(error.code, error)
    except (OSError, HTTPException, ValueError) as error:  # their texts can hold the address
        raise not_reached(error, who=who, key=key) from None


def not_reached(error: Exception, *, who: str, key: str) -> DeliveryError:
    """A failure of the network, by its kind alone; a message may have been sent once there was a connection."""
    cause: BaseException = (
        error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    )
    is_before = isinstance(cause, _NotConnectedError)
    kind = type((is_before and cause.__cause__) or cause).__name__
    return DeliveryError(
        f"{who} was not reached ({kind}); check the network and {key!r}", again="soon", unsure=not is_before
    )


def failure(answer: Answer, *, who: str, key: str, reason: str = "", broken: frozenset[int]) -> DeliveryError:
    """What an answer that is no success means.

    Args:
        answer: of the service.
        who: as of ``post``.
        key: of the channel's configuration to be corrected if it is us whom the service refuses.
        reason: what the service says, where that cannot hold anything secret.
        broken: statuses that refuse this one message for what it is.
    """
    status = answer.status
    said = f"{status} {reason}" if reason else str(status)
    if status in _BUSY or status >= 500:
        return DeliveryError(
            f"{who} is busy or broken now ({said}); it will be tried again",
            again="soon",
            unsure=status in _UNKNOWN_END,
            retry_after=retry_after(answer),
        )
    if status in broken:
        return DeliveryError(f"{who} refuses this message ({said})", again="never")
    if 300 <= status < 400:
        return DeliveryError(f"{who} points elsewhere ({said}), which is not followed; correct {key!r}", again="later")
    return DeliveryError(f"{who} refuses us ({said}); correct {key!r}", again="later")


def retry_after(answer: Answer) -> float | None:
    """Seconds to wait, at most an hour, where they are given as such; dates are ignored."""
    value = answer.headers.get("retry-after", "")
    return min(float(value), _LONGEST_WAIT) if value.isascii() and value.isdigit() else None


@contextlib.contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException) as error:
        raise _NotConnectedError from error


def _answer(status: int, response: HTTPResponse | HTTPError) -> Answer:
    text = ""
    # The status has come, and it is what counts.
    with contextlib.suppress(OSError, HTTPException):
        text = response.read(_MOST_BYTES).decode("utf-8", "replace")
    return Answer(status, {name.lower(): value for name, value in response.headers.items()}, text)
