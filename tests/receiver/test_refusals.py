"""What is not taken has a status and a sentence, in the encoding of the request, and nothing of it is on the bus."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from driftline.otlp.decode import MAX_RECORDS
from driftline.receiver.inflate import inflated
from driftline.receiver.refusals import RefusedError
from receiver_support import JSON, PROTOBUF, as_json, serving, spans_request

if TYPE_CHECKING:
    from receiver_support import Answer, Serving

GOOD = spans_request(10).SerializeToString()
DEEP = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"a","value":' + (
    b'{"arrayValue":{"values":[' * 60 + b"]}}" * 60 + b"}]}]}]}]}"
)


def code_of(answer: Answer) -> int:
    """The code of the ``google.rpc.Status``, which must have a sentence as well."""
    if answer.headers["content-type"] == JSON:
        assert answer.json()["message"]
        return int(answer.json()["code"])
    assert answer.headers["content-type"] == PROTOBUF
    status = Status.FromString(answer.body)
    assert status.message
    return int(status.code)


@pytest.mark.parametrize(
    "body",
    [b"\xff" * 50, b"\x0a\x05abc", GOOD[:-3], b"hello", b"\x0a\x03\x12\x01\xff"],
    ids=["bytes", "short", "cut", "text", "inner"],
)
def test_unreadable_protobuf(served: Serving, body: bytes) -> None:
    answer = served.sender.post(body)
    assert (answer.status, code_of(answer)) == (400, 3)
    assert answer.headers["content-type"] == PROTOBUF
    assert served.producer.messages == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe\xfd", b"[" * 100_000, DEEP,
        b'{"resourceSpans":5}', b'{"resourceSpans":[5]}', b'{"resourceSpans":[{"scopeSpans":[{"spans":["a"]}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"no hex"}]}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":5}]}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"soon"}]}]}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":' + b"9" * 5000 + b"}]}]}]}",
    ],
    ids=range(16),
)  # fmt: skip
def test_unreadable_json(served: Serving, body: bytes) -> None:
    answer = served.sender.post(body, JSON)
    assert (answer.status, code_of(answer)) == (400, 3)
    assert answer.headers["content-type"] == JSON
    assert served.producer.messages == []


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-protobuf-but-not", "application/grpc"])
def test_another_content_type(served: Serving, content_type: str) -> None:
    answer = served.sender.post(GOOD, content_type)
    assert (answer.status, code_of(answer)) == (415, 3)


def test_another_compression(served: Serving) -> None:
    answer = served.sender.post(GOOD, Content_Encoding="br")
    assert (answer.status, code_of(answer)) == (415, 3)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"no gzip at all"),
        ("gzip", gzip.compress(GOOD)[:-12]),
        ("gzip", gzip.compress(GOOD) + b"more"),
        ("gzip", gzip.compress(b"") * 100),
        ("deflate", zlib.compress(GOOD)[:-8]),
        ("deflate", b"\xff" * 20),
    ],
    ids=[
        "no gzip",
        "gzip cut",
        "gzip and more",
        "many streams",
        "deflate cut",
        "no deflate",
    ],  # gzip has the time in it
)
def test_damaged_compression(served: Serving, encoding: str, body: bytes) -> None:
    answer = served.sender.post(body, Content_Encoding=encoding)
    assert (answer.status, code_of(answer)) == (400, 3)
    assert served.producer.messages == []


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", "Basic right", "right", "Bearer rightt", "\xff"])
def test_a_missing_or_wrong_token(given: str | None) -> None:
    with serving(token="right") as served:
        headers = {} if given is None else {"Authorization": given}
        answer = served.sender.post(GOOD, **headers)
        assert served.producer.messages == []
    assert (answer.status, code_of(answer)) == (401, 16)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert b"right" not in answer.body


@pytest.mark.parametrize("given", ["Bearer right", "bearer right"])
def test_the_right_token(given: str) -> None:
    with serving(token="right") as served:
        assert served.sender.post(GOOD, Authorization=given).status == 200


def test_a_token_is_in_no_log(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(token="s3cret-of-ours") as served:
        served.sender.post(GOOD, Authorization="Bearer s3cret-of-theirs")
    out, err = capfd.readouterr()
    assert "s3cret" not in out + err + caplog.text


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_beyond_the_limit(announced: bool) -> None:
    with serving(max_bytes=100_000) as served:
        body = b"x" * 3_000_000
        answer = (
            served.sender.post(body)
            if announced
            else served.sender.ask("POST", "/v1/traces", iter([body]), {"Content-Type": PROTOBUF})  # type: ignore[arg-type]
        )
        assert (answer.status, code_of(answer)) == (413, 8)
        assert served.sender.post(GOOD).status == 200


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_a_zip_bomb(content_type: str) -> None:
    bomb = gzip.compress(b"\0" * 100_000_000)
    with serving(max_bytes=1_000_000) as served:
        answer = served.sender.post(bomb, content_type, Content_Encoding="gzip")
        assert served.sender.health()["under_way"] == {"requests": 0, "bytes": 0}
    assert (answer.status, code_of(answer)) == (413, 8)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_zip_bomb_is_never_unpacked_beyond_the_limit(encoding: str) -> None:
    zeros = b"\0" * 50_000_000
    packed = gzip.compress(zeros) if encoding == "gzip" else zlib.compress(zeros)
    taken: list[int] = []
    with pytest.raises(RefusedError, match="exceeds 1000000 bytes"):
        inflated(packed, encoding, limit=1_000_000, take=taken.append)
    assert sum(taken) <= 1_000_000


def test_more_records_than_anyone_sends(served: Serving) -> None:
    spans = b"\x12\x00" * (MAX_RECORDS + 1)
    scope = b"\x12" + _varint(len(spans)) + spans
    protobuf = b"\x0a" + _varint(len(scope)) + scope
    in_json = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * MAX_RECORDS + b"{}]}]}]}"
    for answer in (served.sender.post(protobuf), served.sender.post(in_json, JSON)):
        assert (answer.status, code_of(answer)) == (413, 8)
    assert served.producer.messages == []


def _varint(number: int) -> bytes:
    return bytes((number & 127 | 128, number >> 7 & 127 | 128, number >> 14))


def test_metrics_are_refused_with_the_way_to_switch_them_off(served: Serving) -> None:
    answer = served.sender.post(b"", path="/v1/metrics")
    assert (answer.status, code_of(answer)) == (404, 12)
    assert b"OTEL_METRICS_EXPORTER=none" in answer.body


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/traces", 405), ("POST", "/v1/nothing", 404)])
def test_what_is_not_served(served: Serving, method: str, path: str, status: int) -> None:
    assert served.sender.ask(method, path).status == status


def test_answers_are_counted_by_status(served: Serving) -> None:
    served.sender.post(GOOD)
    served.sender.post(as_json(spans_request(1, 1)), JSON)
    served.sender.post(b"no", JSON)
    assert served.sender.health() == {
        "status": "ok",
        "under_way": {"requests": 0, "bytes": 0},
        "accepted": {"spans": 3},
        "rejected": {"spans": 0},
        "responses": {"200": 2, "400": 1},
    }
