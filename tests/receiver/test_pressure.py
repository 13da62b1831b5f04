"""Slow senders, a slow bus, no bus: nobody else waits, nothing is acknowledged that is not on the bus."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from receiver_support import PROTOBUF, on_bus, serving, spans_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from driftline.settings import Settings
    from receiver_support import Sender, Serving

BODY = spans_request(10).SerializeToString()


@contextlib.contextmanager
def waiting_posts(served: Serving, count: int, body: bytes = BODY) -> Iterator[None]:
    """Requests that wait for the bus; all are acknowledged at the end of the block."""
    served.producer.gate.clear()
    with ThreadPoolExecutor(count) as pool:
        posts = [pool.submit(served.sender.post, body) for _ in range(count)]
        for _ in posts:
            assert served.producer.waiting.acquire(timeout=30)
        try:
            yield
        finally:
            served.producer.gate.set()
        assert [post.result().status for post in posts] == [200] * count


def test_a_bus_that_is_slow_does_not_stop_the_event_loop(served: Serving) -> None:
    with waiting_posts(served, 2):
        assert served.sender.health()["under_way"]["requests"] == 2
        assert served.sender.post(b"no protobuf").status == 400
        assert served.producer.messages == []


def test_too_many_requests_are_turned_away_until_there_is_room() -> None:
    with serving(max_requests=2) as served:
        with waiting_posts(served, 2):
            answer = served.sender.post(BODY)
            assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert served.sender.post(BODY).status == 200
        assert len(served.producer.messages) == 3


def test_too_many_bytes_are_turned_away_until_there_is_room() -> None:
    large = spans_request(9_900).SerializeToString()
    with serving(max_bytes=10_000) as served:
        with waiting_posts(served, 8, large):
            answer = served.sender.post(large)
            assert (answer.status, answer.headers["retry-after"]) == (429, "1")
            assert served.sender.health()["under_way"]["bytes"] == 8 * len(large)
        assert served.sender.post(large).status == 200
        assert served.sender.health()["under_way"] == {"requests": 0, "bytes": 0}


def test_a_sender_that_stalls_holds_up_nobody_and_is_let_go() -> None:
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: 100\r\n\r\nsome"
    with serving(read_seconds=0.5) as served:
        with contextlib.closing(socket.create_connection(("127.0.0.1", served.sender.port), 30)) as slow:
            slow.sendall(head.encode())
            assert served.sender.post(BODY).status == 200
            assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert served.sender.health()["under_way"] == {"requests": 0, "bytes": 0}


def test_a_sender_that_hangs_up_leaves_nothing_behind(served: Serving, caplog: pytest.LogCaptureFixture) -> None:
    head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: {PROTOBUF}\r\nContent-Length: 100\r\n\r\nsome"
    with contextlib.closing(socket.create_connection(("127.0.0.1", served.sender.port), 30)) as gone:
        gone.sendall(head.encode())
        while served.sender.health()["under_way"]["bytes"] != 4:
            pass
    while served.sender.health()["under_way"]["requests"]:
        pass
    assert served.sender.health()["under_way"]["bytes"] == 0
    assert "Traceback" not in caplog.text


def test_many_clients_at_once_lose_and_double_nothing(sender: Sender, settings: Settings) -> None:
    bodies = [spans_request(50, trace_id=number.to_bytes(16, "big")).SerializeToString() for number in range(200)]
    with ThreadPoolExecutor(16) as pool:
        assert {answer.status for answer in pool.map(sender.post, bodies)} == {200}
    assert sorted(on_bus(settings.bus_url)) == sorted(bodies)


def test_while_the_bus_is_away_nothing_is_acknowledged(
    sender: Sender, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert sender.post(BODY).status == 200
    assert on_bus(settings.bus_url) == [BODY]
    for file in settings.data_path.glob("bus.db*"):
        file.unlink()
    place = settings.data_path / "bus.db"
    place.mkdir()
    with caplog.at_level(logging.WARNING, "driftline.receiver"):
        answers = [sender.post(BODY) for _ in range(3)]
    assert [(answer.status, answer.headers["retry-after"]) for answer in answers] == [(503, "2")] * 3
    assert str(place) not in answers[0].body.decode(errors="replace"), "a sender needs not know where the bus is"
    assert len(caplog.records) == 1, "the log says it once a minute, not once a request"
    place.rmdir()
    assert sender.post(BODY).status == 200
    assert on_bus(settings.bus_url) == [BODY]
    assert sender.health()["accepted"] == {"spans": 2}


def test_a_stop_finishes_what_is_under_way(served: Serving) -> None:
    with waiting_posts(served, 3):
        served.stop.set()
        # The listening socket is closed first; the requests then have their time.
        with contextlib.suppress(OSError):
            while True:
                served.sender.health()
    served.thread.join(30)
    assert len(served.producer.messages) == 3


def test_a_failure_half_way_through_a_split_request_is_not_acknowledged() -> None:
    with serving(max_message_bytes=10_000) as served:
        gate = threading.Event()
        original = served.producer.send

        def fail_second(topic: str, value: bytes, *, key: bytes | None = None) -> None:
            served.producer.away = gate.is_set()
            gate.set()
            original(topic, value, key=key)

        served.producer.send = fail_second  # type: ignore[method-assign]
        assert served.sender.post(spans_request(6_000, 6_000).SerializeToString()).status == 503
        [(_, value, _)] = served.producer.messages
        assert len(ExportTraceServiceRequest.FromString(value).resource_spans[0].scope_spans[0].spans) == 1
        assert served.sender.health()["accepted"] == {}
