"""Reads a request of ClickHouse's HTTP interface into a statement.

What clickhouse-connect sends: the query in the body, settings and ``param_<name>`` in the URL, an insert
as statement, newline and data in one body; or the query in the URL and the data in the body, compressed
or not; or, when bound parameters are long, everything as the fields of a multipart form.
"""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import hmac
import zlib
from typing import TYPE_CHECKING

from driftline_store.embedded.model import EngineError, Statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

USER = "driftline"
# Parameters of the transport, or of features that one process on loopback does not have. They are
# accepted, so that a client made for a server works, but are no settings of the engine.
_TRANSPORT = frozenset(
    {
        "buffer_size", "cancel_http_readonly_queries_on_client_close", "client_protocol_version",
        "close_session", "compress", "database", "decompress", "default_format", "enable_http_compression",
        "http_headers_progress_interval_ms", "password", "query", "query_id", "quota_key", "role",
        "send_progress_in_http_headers", "session_check", "session_id", "session_timeout", "user",
        "wait_end_of_query",
    }
)  # fmt: skip
_PARAMETER = "param_"
_CHUNK = 1_048_576


class TooLargeError(Exception):
    """The body, as sent or decompressed, has more bytes than allowed."""


def is_authorized(request: Request, password: str) -> bool:
    """Whether the request carries the store's login, in one of the three ways that ClickHouse knows."""
    user, given = _credentials(request)
    expected = (USER.encode(), password.encode())
    return hmac.compare_digest(user, expected[0]) & hmac.compare_digest(given, expected[1])


def _credentials(request: Request) -> tuple[bytes, bytes]:
    headers = request.headers
    if "x-clickhouse-user" in headers:
        return headers["x-clickhouse-user"].encode(), headers.get("x-clickhouse-key", "").encode()
    kind, _, encoded = headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            user, _, given = base64.b64decode(encoded, validate=True).partition(b":")
        except binascii.Error:
            return b"", b""
        return user, given
    query = request.query_params
    return query.get("user", "").encode(), query.get("password", "").encode()


async def read_body(request: Request, limit: int) -> bytes:
    """Read the body into memory.

    Args:
        request: the request.
        limit: most bytes allowed.

    Raises:
        TooLargeError: there are more; found before reading where the client announces the length.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLargeError
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > limit:
            raise TooLargeError
        body += chunk
    return bytes(body)


def to_statement(headers: Mapping[str, str], url: Mapping[str, str], body: bytes, limit: int) -> Statement:
    """Put the statement together; runs in a worker thread, because decompressing takes time.

    Args:
        headers: of the request; names in lower case or a mapping that ignores case.
        url: decoded parameters of the URL.
        body: as it was sent.
        limit: most bytes allowed after decompression.

    Raises:
        EngineError: an encoding that is not known or data that is damaged.
        TooLargeError: the body decompresses to more than ``limit``.
    """
    body = _decompressed(body, headers.get("content-encoding", ""), limit)
    values = dict(url)
    if headers.get("content-type", "").startswith("multipart/form-data"):
        values |= _form(headers["content-type"], body)
        body = b""
    query = values.get("query", "").encode()
    settings, parameters = {}, {}
    for name, value in values.items():
        if name.startswith(_PARAMETER):
            parameters[name.removeprefix(_PARAMETER)] = value
        elif name not in _TRANSPORT:
            settings[name] = value
    return Statement(
        text=query + b"\n" + body if query and body else query or body,
        settings=settings,
        parameters=parameters,
        database=values.get("database") or headers.get("x-clickhouse-database", ""),
        default_format=values.get("default_format") or headers.get("x-clickhouse-format", "") or "TabSeparated",
    )


def _form(content_type: str, body: bytes) -> dict[str, str]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields[name] = payload.decode()
    return fields


def _decompressed(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding in {"", "identity"} or not body:
        return body
    try:
        return _inflate(body, encoding, limit)
    except TooLargeError:
        raise
    except Exception as error:  # noqa: BLE001  each of the libraries has errors of its own
        raise EngineError(
            f"Code: 354. DB::Exception: The body is no valid {encoding}: {error} (ZLIB_INFLATE_FAILED)"
        ) from None


def _inflate(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding in {"gzip", "deflate"}:
        whole = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, limit + 1)
    elif encoding == "lz4":
        import lz4.frame  # type: ignore[import-untyped]  # noqa: PLC0415  only some clients send it

        whole = lz4.frame.LZ4FrameDecompressor().decompress(body, max_length=limit + 1)
    elif encoding == "zstd":
        whole = _inflate_zstd(body, limit)
    else:
        raise EngineError(
            "Code: 89. DB::Exception: Unknown compression method of the body (UNKNOWN_COMPRESSION_METHOD)"
        )
    if len(whole) > limit:
        raise TooLargeError
    return whole


def _inflate_zstd(body: bytes, limit: int) -> bytes:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415  Python 3.14
    except ImportError:
        from backports import zstd  # noqa: PLC0415
    whole: bytes = zstd.ZstdDecompressor().decompress(body, limit + 1)
    return whole
