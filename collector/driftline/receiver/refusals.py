"""Why a request is not taken."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

_CODES: Final = {
    HTTPStatus.BAD_REQUEST: 3,
    HTTPStatus.UNAUTHORIZED: 16,
    HTTPStatus.NOT_FOUND: 12,
    HTTPStatus.REQUEST_TIMEOUT: 4,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: 8,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: 3,
    HTTPStatus.TOO_MANY_REQUESTS: 8,
    HTTPStatus.SERVICE_UNAVAILABLE: 14,
}
"""The code of ``google.rpc.Code`` that says the same as the HTTP status."""


class RefusedError(Exception):
    """A request that is answered with an error; nothing of it is promised to be stored.

    Attributes:
        status: of the answer.
        message: one sentence for the sender's log.
        retry_after: seconds after which sending it again makes sense; None if it never does.
    """

    def __init__(self, status: HTTPStatus, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after

    @property
    def code(self) -> int:
        """As in ``google.rpc.Status``."""
        return _CODES[self.status]


def unreadable(why: str) -> RefusedError:
    """The body is not what its headers say."""
    return RefusedError(HTTPStatus.BAD_REQUEST, f"the body cannot be read: {why}")


def too_large(limit: int) -> RefusedError:
    """The body is longer than allowed, as sent or after decompression."""
    return RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the request exceeds {limit} bytes; send smaller batches, or raise the receiver's "
        "DRIFTLINE_RECEIVER_MAX_BYTES",
    )


def too_many(why: str) -> RefusedError:
    """The request has more records than anyone sends."""
    return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why)


def busy(what: str) -> RefusedError:
    """There is no room at the moment."""
    # The OpenTelemetry SDKs give one export 10 s, retries included, so a longer wait would mean losing it.
    return RefusedError(HTTPStatus.TOO_MANY_REQUESTS, f"{what}; send it again in a moment", retry_after=1)


def bus_away() -> RefusedError:
    """The bus did not take it; why is in the receiver's own log, not in a sender's."""
    return RefusedError(
        HTTPStatus.SERVICE_UNAVAILABLE, "the bus does not take messages; send it again in a moment", retry_after=2
    )
