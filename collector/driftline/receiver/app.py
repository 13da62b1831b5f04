"""The HTTP application: reads requests on the event loop, stores them in worker threads."""

from __future__ import annotations

import functools
import hmac
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from driftline.otlp.signals import SIGNALS
from driftline.receiver.answers import Encoding, acknowledgement, encoding_of, explanation
from driftline.receiver.body import READ_SECONDS, Body
from driftline.receiver.budget import Budget
from driftline.receiver.guard import serve
from driftline.receiver.inflate import checked_encoding, inflated
from driftline.receiver.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request

    from driftline.otlp.signals import Signal
    from driftline.receiver.budget import Share
    from driftline.receiver.counts import Counts
    from driftline.receiver.intake import Intake, Stored

MAX_REQUESTS: Final = 256
"""Requests under way at once."""

_BODIES: Final = 8
"""How many of the largest bodies fit into the memory of requests under way."""

_THREADS: Final = 8


def make_app(
    intake: Intake,
    counts: Counts,
    *,
    token: str,
    max_bytes: int,
    guard: Path,
    max_requests: int = MAX_REQUESTS,
    read_seconds: float = READ_SECONDS,
) -> Starlette:
    """Make the HTTP application.

    Args:
        intake: what stores requests.
        counts: where it counts.
        token: bearer token that requests must carry; empty: none.
        max_bytes: most bytes of one request, also after decompression.
        guard: file that says what is contained.
        max_requests: most requests under way at once.
        read_seconds: longest time for a body to arrive.
    """
    receiver = _Receiver(
        intake,
        counts,
        token=token,
        max_bytes=max_bytes,
        guard=guard,
        max_requests=max_requests,
        read_seconds=read_seconds,
    )
    routes = [Route(signal.path, receiver.endpoint(signal), methods=["POST"]) for signal in SIGNALS]
    routes += [
        Route("/v1/metrics", receiver.no_metrics, methods=["POST"]),
        Route("/health", receiver.health, methods=["GET"]),
        Route("/guard", receiver.guard, methods=["GET"]),
    ]
    return Starlette(routes=routes)


class _Receiver:
    def __init__(
        self,
        intake: Intake,
        counts: Counts,
        *,
        token: str,
        max_bytes: int,
        guard: Path,
        max_requests: int,
        read_seconds: float,
    ) -> None:
        self._intake = intake
        self._counts = counts
        self._token = token.encode()
        self._max_bytes = max_bytes
        self._guard = guard
        self._read_seconds = read_seconds
        self._budget = Budget(max_requests=max_requests, max_bytes=_BODIES * max_bytes)
        self._limiter = anyio.CapacityLimiter(_THREADS)
        # Threads of its own, as the others may all wait for the bus.
        self._looking = anyio.CapacityLimiter(1)

    def endpoint(self, signal: Signal) -> Callable[[Request], Awaitable[Response]]:
        return functools.partial(self._answer, signal)

    async def no_metrics(self, request: Request) -> Response:
        error = RefusedError(
            HTTPStatus.NOT_FOUND, "Driftline takes traces and logs; switch metrics off with OTEL_METRICS_EXPORTER=none"
        )
        return await self._refuse(request, error)

    async def health(self, _request: Request) -> Response:
        under_way = {"requests": self._budget.requests, "bytes": self._budget.bytes}
        return JSONResponse({"status": "ok", "under_way": under_way, **self._counts.as_dict()})

    async def guard(self, request: Request) -> Response:
        work = functools.partial(serve, self._guard, request.headers.get("if-none-match", ""))
        try:
            self._admit(request)
            return await anyio.to_thread.run_sync(work, limiter=self._looking)
        except RefusedError as error:
            return await self._refuse(request, error)

    async def _answer(self, signal: Signal, request: Request) -> Response:
        body = Body(request, limit=self._max_bytes, seconds=self._read_seconds)
        try:
            encoding = self._checked(request)
            stored = await self._store(signal, encoding, request, body)
        except RefusedError as error:
            return await self._refuse(request, error, body)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it
        self._counts.answered(HTTPStatus.OK)
        return Response(acknowledgement(signal, stored, encoding), media_type=encoding.value)

    def _checked(self, request: Request) -> Encoding:
        """What can be refused by the headers alone."""
        self._admit(request)
        encoding = encoding_of(request.headers.get("content-type", ""))
        if encoding is None:
            raise RefusedError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the Content-Type must be application/x-protobuf or application/json"
            )
        return encoding

    def _admit(self, request: Request) -> None:
        """Refuse whoever does not carry the token."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # Compared even when the scheme is wrong, so that the time says nothing.
        right = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        if self._token and not (right and scheme.lower() == "bearer"):
            raise RefusedError(
                HTTPStatus.UNAUTHORIZED,
                "the receiver's token is missing or wrong; set OTEL_EXPORTER_OTLP_HEADERS to "
                "authorization=Bearer%20… with the value of DRIFTLINE_RECEIVER_TOKEN",
            )

    async def _store(self, signal: Signal, encoding: Encoding, request: Request, body: Body) -> Stored:
        compression = checked_encoding(request.headers.get("content-encoding", ""))
        with self._budget.request() as share:
            sent = await body.read(share.take)
            work = functools.partial(self._work, signal, encoding, compression, sent, share)
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)

    def _work(self, signal: Signal, encoding: Encoding, compression: str, sent: bytes, share: Share) -> Stored:
        return self._intake.store(signal, encoding, inflated(sent, compression, limit=self._max_bytes, take=share.take))

    async def _refuse(self, request: Request, error: RefusedError, body: Body | None = None) -> Response:
        """Answer with an error once the sender has sent what it wanted to."""
        if error.status != HTTPStatus.REQUEST_TIMEOUT:
            await (body or Body(request, limit=0, seconds=0)).drain()
        self._counts.answered(error.status)
        encoding = encoding_of(request.headers.get("content-type", "")) or Encoding.JSON
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        if error.status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}:
            headers["Connection"] = "close"
        return Response(explanation(error, encoding), error.status, headers, media_type=encoding.value)
