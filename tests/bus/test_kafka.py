"""What is special about the bus on Kafka."""

from __future__ import annotations

import gc
import logging
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

import kafka_server
from driftline.bus import Stretch, kafka_client, kafka_member, kafka_producer, open_bus
from driftline.bus.kafka_url import parse_kafka_url
from driftline.errors import BusError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

WAIT = 30.0


def test_the_url_hides_the_password_and_nothing_else() -> None:
    url = "kafka://me:p%40ss@a:9092,b:9093?security=SASL_SSL&mechanism=SCRAM-SHA-512&cafile=/ca.pem"
    with open_bus(url) as bus:
        assert bus.url == url.replace("p%40ss", "***")
    parsed = parse_kafka_url(url)
    assert "p@ss" not in repr(parsed)
    assert "p@ss" not in repr(parsed.client_options())
    assert parsed.client_options() == {
        "bootstrap_servers": ["a:9092", "b:9093"],
        "security_protocol": "SASL_SSL",
        "ssl_cafile": "/ca.pem",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": "p@ss",
    }


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "host:x",
        "host:0",
        "a:9092,",
        "host?partitions=0",
        "host?partitions=many",
        "host?password=secret",
        "host?security=TLS",
        "me:secret@host?mechanism=MD5",
        "me:secret@host?security=PLAINTEXT",
        "host?security=SASL_SSL",
    ],
)
def test_a_wrong_url_says_what_is_allowed(rest: str) -> None:
    with pytest.raises(SettingsError, match="correct the setting 'bus'") as caught:
        open_bus(f"kafka://{rest}")
    assert "me:secret" not in str(caught.value)


def test_a_login_is_encrypted_unless_asked_otherwise() -> None:
    assert parse_kafka_url("kafka://me:secret@host").security == "SASL_SSL"
    assert parse_kafka_url("kafka://host").security == "PLAINTEXT"


def test_a_server_that_is_not_kafka_is_reported_in_time_and_without_noise(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, logger="kafka")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        threads = threading.active_count()
        url = f"kafka://me:secret@127.0.0.1:{server.getsockname()[1]}?security=SASL_PLAINTEXT"
        start = time.monotonic()
        with pytest.raises(BusError, match="the login of 'me'") as caught, open_bus(url) as bus:
            bus.producer()
        assert time.monotonic() - start < 10
        assert threading.active_count() == threads
    assert "secret" not in str(caught.value) + caplog.text
    assert capfd.readouterr().err == ""


@pytest.mark.kafka
def test_two_members_share_the_work_and_finish_all_of_it_once(kafka_url: str, fresh_topic: str) -> None:
    with open_bus(f"{kafka_url}?partitions=4") as bus:
        producer = bus.producer()
        for number in range(200):
            producer.send(fresh_topic, b"%d" % number, key=b"%d" % number)
        producer.close()
        finished: list[tuple[int, bytes]] = []

        def live(member: int) -> None:
            consumer = bus.consumer(fresh_topic, group="g")
            deadline = time.monotonic() + WAIT
            while len(finished) < 200 and time.monotonic() < deadline:
                batch = consumer.take(max_bytes=20, timeout=0.2)
                if batch is not None:
                    time.sleep(0.05)  # an insert
                    consumer.done(batch)
                    finished.extend((member, message.value) for message in batch.messages)
            consumer.close()

        members = [threading.Thread(target=live, args=(member,)) for member in range(2)]
        for thread in members:
            thread.start()
        for thread in members:
            thread.join()
    assert sorted(value for _, value in finished) == sorted(b"%d" % number for number in range(200))
    assert {member for member, _ in finished} == {0, 1}


@pytest.mark.kafka
def test_partitions_take_turns(kafka_url: str, fresh_topic: str) -> None:
    with open_bus(f"{kafka_url}?partitions=3") as bus:
        producer = bus.producer()
        for number in range(60):
            producer.send(fresh_topic, b"x", key=b"%d" % number)
        producer.close()
        consumer = bus.consumer(fresh_topic, group="g")
        batch = consumer.take(max_bytes=1, timeout=WAIT)
        time.sleep(1)  # by now all partitions have been read ahead
        seen: list[int] = []
        while len(seen) < 9:
            assert batch is not None
            seen.append(batch.partition)
            consumer.done(batch)
            batch = consumer.take(max_bytes=1, timeout=WAIT)
        consumer.close()
    assert [sorted(seen[i : i + 3]) for i in (3, 6)] == [[0, 1, 2]] * 2


@pytest.mark.kafka
def test_a_backlog_in_one_partition_neither_starves_the_others_nor_rests_with_them(
    kafka_url: str, fresh_topic: str
) -> None:
    with open_bus(f"{kafka_url}?partitions=3") as bus:
        producer = bus.producer()
        for _ in range(60):
            producer.send(fresh_topic, b"x" * 100_000, key=b"big")
        for number in range(60):
            producer.send(fresh_topic, b"x", key=b"%d" % number)
        producer.close()
        consumer = bus.consumer(fresh_topic, group="g")
        small: list[int] = []
        seen: list[int] = []
        while bus.lag(fresh_topic, group="g"):
            batch = consumer.take(max_bytes=400_000, timeout=1, linger=0.01 if len(small) < 2 else 3600)
            if batch is None:
                break  # what is left of the small partitions rests
            consumer.done(batch)
            seen.append(batch.partition)
            if sum(len(message.value) for message in batch.messages) < 200_000:
                small.append(batch.partition)
        consumer.close()
    assert set(seen[:12]) == {0, 1, 2}, "all partitions got their turn long before the big one was done"
    assert len(seen) - len(small) >= 15


@pytest.mark.kafka
def test_a_member_gets_its_share_while_another_is_busy(kafka_url: str, fresh_topic: str) -> None:
    with open_bus(f"{kafka_url}?partitions=2") as bus:
        producer = bus.producer()
        for number in range(20):
            producer.send(fresh_topic, b"x", key=b"%d" % number)
        first = bus.consumer(fresh_topic, group="g")
        batch = first.take(max_bytes=1, timeout=WAIT)
        assert batch is not None
        second = bus.consumer(fresh_topic, group="g")
        other = second.take(max_bytes=1, timeout=WAIT)
        assert other is not None
        if other.partition != batch.partition:
            first.done(batch)
        else:
            assert other == batch
        for end in (first, second, producer):
            end.close()


@pytest.mark.kafka
def test_a_topic_recreated_under_a_consumer_changes_the_token(kafka_url: str, fresh_topic: str) -> None:
    with open_bus(f"{kafka_url}?partitions=1") as bus:
        producer = bus.producer()
        for _ in range(3):
            producer.send(fresh_topic, b"old")
        consumer = bus.consumer(fresh_topic, group="g")
        batch = consumer.take(max_bytes=100, timeout=WAIT)
        assert batch is not None
        consumer.done(batch)
        producer.close()
        import kafka  # noqa: PLC0415  only once driftline.bus has imported it

        with kafka.KafkaAdminClient(bootstrap_servers=kafka_url.removeprefix("kafka://")) as admin:
            admin.delete_topics([fresh_topic])
            while any(not found["error_code"] for found in admin.describe_topics([fresh_topic])):
                time.sleep(0.05)
        producer = bus.producer()
        for _ in range(5):
            producer.send(fresh_topic, b"new")
        after = consumer.take(max_bytes=100, timeout=WAIT)
        assert after is not None
        assert after.bus_id != batch.bus_id
        assert (after.first, after.last) == (0, 4)
        producer.close()
        consumer.close()


@pytest.mark.kafka
def test_a_forked_child_sends_through_its_own_connection(kafka_url: str, fresh_topic: str) -> None:
    code = (
        "import os, sys; from driftline.bus import open_bus\n"
        "producer = open_bus(sys.argv[1]).producer(); producer.send(sys.argv[2], b'parent')\n"
        "pid = os.fork()\n"
        "if not pid: producer.send(sys.argv[2], b'child'); os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "producer.send(sys.argv[2], b'parent again'); producer.close()\n"
    )
    url = f"{kafka_url}?partitions=1"
    subprocess.run([sys.executable, "-c", code, url, fresh_topic], check=True, timeout=WAIT)
    with open_bus(url) as bus:
        consumer = bus.consumer(fresh_topic, group="g")
        batch = consumer.take(max_bytes=100, timeout=WAIT)
        consumer.close()
    assert batch is not None
    assert [message.value for message in batch.messages] == [b"parent", b"child", b"parent again"]


@pytest.mark.kafka
@pytest.mark.slow
def test_a_broker_that_comes_back_is_used_again(
    tmp_path: Path, fresh_topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each call gives up in a third of the time that users' do.
    for module in (kafka_client, kafka_member):
        monkeypatch.setattr(module, "REQUEST_SECONDS", 2.5)
    monkeypatch.setattr(kafka_producer, "_SEND_SECONDS", 3.0)
    monkeypatch.setattr(kafka_client, "SESSION_SECONDS", 3.0)
    broker = kafka_server.OwnBroker(tmp_path)
    try:
        _outage(broker, fresh_topic)
    finally:
        broker.stop()
    gc.collect()


def _outage(broker: kafka_server.OwnBroker, topic: str) -> None:
    with open_bus(f"kafka://{broker.address}?partitions=1") as bus:
        producer, persistent = bus.producer(), bus.producer(persistent=True)
        producer.send(topic, b"a")
        persistent.send(topic, b"a")
        consumer = bus.consumer(topic, group="g")
        batch = consumer.take(max_bytes=100, timeout=WAIT)
        assert batch is not None
        broker.stop()
        for call in (
            lambda: producer.send(topic, b"lost"),
            lambda: persistent.send(topic, b"kept"),
            lambda: consumer.done(batch),
            lambda: consumer.take(max_bytes=100, timeout=1),
            consumer.assigned,
        ):
            start = time.monotonic()
            with pytest.raises(BusError):
                call()
            assert time.monotonic() - start < 12
        broker.start()
        _until_it_works(lambda: producer.send(topic, b"b"))
        again = _until_it_works(lambda: consumer.take(max_bytes=100, timeout=WAIT))
        assert again == batch
        consumer.done(batch)
        after = consumer.take(max_bytes=100, timeout=WAIT)
        assert after is not None
        assert [value for value in (message.value for message in after.messages) if value != b"kept"] == [b"b"]
        _until_it_works(lambda: persistent.send(topic, b"kept"))
        persistent.send(topic, b"end")
        stored = [message.value for message in bus.read(Stretch(topic, 0, 0, 5))]
        assert sorted(stored) == [b"a", b"a", b"b", b"end", b"kept"], "once, although it was sent several times"
        assert bus.holds(topic, b"kept", since=time.time() - 300)
        for end in (consumer, producer, persistent):
            end.close()


def _until_it_works(call: Callable[[], T]) -> T:
    deadline = time.monotonic() + WAIT
    while True:
        try:
            result = call()
        except BusError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return result
