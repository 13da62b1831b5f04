"""ClickHouse's HTTP interface over the engine inside this process.

Requests are read on the event loop; statements run in worker threads, each on a handle of its own. A
result is complete before its first byte is sent, so that an error always has its status and code.
"""

from __future__ import annotations

import functools
import json
import logging
import uuid
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from driftline_store.embedded.model import Answer, EngineError, Statement
from driftline_store.embedded.request import TooLargeError, is_authorized, read_body, to_statement

if TYPE_CHECKING:
    from starlette.requests import Request

    from driftline_store.embedded.engine import Engine

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 256 * 1024 * 1024
# Statements under way at once; the engine spreads each over the cores itself, so more only wait there.
MAX_STATEMENTS = 32
_EXCEPTION_CODE = "X-ClickHouse-Exception-Code"
# As ClickHouse's own server answers; all other codes are 500. 503 makes clients retry.
_STATUS = {
    **dict.fromkeys((193, 194, 192, 516), 403),
    **dict.fromkeys((46, 47, 50, 56, 60, 73, 81, 83, 115, 119, 120, 152), 404),
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 53, 62, 69, 70, 72, 117, 303, 320, 321, 354, 377, 441, 456, 457, 467), 400),
    48: 501,
    89: 415,
    159: 408,
    160: 408,
    439: 503,
}
_TYPES = {"JSON": "application/json", "TabSeparated": "text/tab-separated-values", "CSV": "text/csv"}


def make_app(engine: Engine, password: str, *, max_body_bytes: int = MAX_BODY_BYTES) -> Starlette:
    """Make the HTTP application.

    Args:
        engine: what runs the statements.
        password: what requests must carry, with the user ``driftline``.
        max_body_bytes: most bytes of one request, also after decompression; beyond it is answered with 413.
    """
    handler = _Handler(engine, password, max_body_bytes)
    return Starlette(
        routes=[
            Route("/ping", _ping, methods=["GET"]),
            Route("/", handler.answer, methods=["GET", "POST"]),
        ]
    )


async def _ping(_request: Request) -> Response:
    return PlainTextResponse("Ok.\n")


class _Handler:
    def __init__(self, engine: Engine, password: str, max_body_bytes: int) -> None:
        self._engine = engine
        self._password = password
        self._limit = max_body_bytes
        self._limiter = anyio.CapacityLimiter(MAX_STATEMENTS)

    async def answer(self, request: Request) -> Response:
        if not is_authorized(request, self._password):
            return _failure(
                EngineError(
                    "Code: 516. DB::Exception: Authentication failed: password is incorrect, "
                    "or there is no user with such name. (AUTHENTICATION_FAILED)"
                )
            )
        if request.method == "GET" and not request.query_params.get("query"):
            return PlainTextResponse("Ok.\n")
        query_id = request.query_params.get("query_id") or str(uuid.uuid4())
        try:
            body = await read_body(request, self._limit)
            work = functools.partial(self._run, request, body)
            answer, wanted = await anyio.to_thread.run_sync(work, limiter=self._limiter)
        except TooLargeError:
            return _too_large(self._limit)
        except EngineError as error:
            return _failure(error)
        return _success(answer, wanted, query_id)

    def _run(self, request: Request, body: bytes) -> tuple[Answer, Statement]:
        statement = to_statement(request.headers, request.query_params, body, self._limit)
        return self._engine.run(statement), statement


def _success(answer: Answer, statement: Statement, query_id: str) -> Response:
    headers = {
        "X-ClickHouse-Summary": json.dumps(answer.summary, separators=(",", ":")),
        "X-ClickHouse-Query-Id": _header_safe(query_id),
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Server-Display-Name": "driftline",
    }
    if answer.format is not None:
        headers["X-ClickHouse-Format"] = answer.format
    media_type = _TYPES.get(answer.format or statement.default_format, "application/octet-stream")
    return Response(answer.body, media_type=media_type, headers=headers)


def _failure(error: EngineError) -> Response:
    status = _STATUS.get(error.code, 500)
    headers = {_EXCEPTION_CODE: str(error.code)}
    if error.code == 516:
        headers["WWW-Authenticate"] = 'Basic realm="driftline"'
    return PlainTextResponse(f"{error}\n", status, headers)


def _too_large(limit: int) -> Response:
    text = (
        f"Code: 229. DB::Exception: The request exceeds {limit} bytes, the most that the embedded store "
        "takes; send it in smaller parts (QUERY_IS_TOO_LARGE)\n"
    )
    return PlainTextResponse(text, 413, {_EXCEPTION_CODE: "229", "Connection": "close"})


def _header_safe(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isprintable())
