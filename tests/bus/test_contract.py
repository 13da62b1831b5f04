"""What every bus has to do, whatever it is made of."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driftline.bus import Batch, Bus, Consumer, Producer, open_bus
from driftline.errors import BusError, FencedError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKER = Path(__file__).with_name("worker.py")
WAIT = 30.0


@dataclass
class Log:
    """A bus and a topic that only this test uses."""

    url: str
    topic: str
    open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def bus(self) -> Bus:
        return self.open.enter_context(open_bus(self.url))

    def producer(self) -> Producer:
        producer = self.bus().producer()
        self.open.callback(producer.close)
        return producer

    def consumer(self, group: str = "g") -> Consumer:
        consumer = self.bus().consumer(self.topic, group=group)
        self.open.callback(consumer.close)
        return consumer

    def send(self, *values: bytes) -> None:
        producer = self.bus().producer()
        for value in values:
            producer.send(self.topic, value)
        producer.close()

    def worker(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(WORKER), arguments[0], self.url, self.topic, *arguments[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.open.callback(_end, process)
        return process

    def recreate(self) -> None:
        """Delete the log; whoever opens it next creates it anew."""
        if self.url.startswith("sqlite"):
            for suffix in ("", "-wal", "-shm"):
                Path(self.url.removeprefix("sqlite:///") + suffix).unlink(missing_ok=True)
            return
        import kafka  # noqa: PLC0415  only once driftline.bus has imported it

        server = self.url.removeprefix("kafka://").partition("?")[0]
        with kafka.KafkaAdminClient(bootstrap_servers=server) as admin:
            admin.delete_topics([self.topic])
            while any(not found["error_code"] for found in admin.describe_topics([self.topic])):
                time.sleep(0.05)


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def log(request: pytest.FixtureRequest, tmp_path: Path, fresh_topic: str) -> Iterator[Log]:
    if request.param == "kafka":
        url = request.getfixturevalue("kafka_url") + "?partitions=1"
    else:
        url = f"sqlite:///{tmp_path}/bus.db"
    log = Log(url, fresh_topic)
    with log.open:
        yield log


def test_messages_come_in_the_order_they_were_sent(log: Log) -> None:
    sent = [b"%d" % number for number in range(50)]
    log.send(*sent)
    consumer = log.consumer()
    assert [value for batch in _drain(consumer, 50, max_bytes=7) for value in _values(batch)] == sent


def test_a_batch_names_its_bytes(log: Log) -> None:
    log.send(b"a", b"b", b"c")
    batch = _take(log.consumer())
    assert (batch.topic, batch.partition, batch.first, batch.last) == (log.topic, 0, 0, 2)
    assert batch.token == f"{batch.bus_id}/{log.topic}/0/0-2"
    assert [message.offset for message in batch.messages] == [0, 1, 2]


def test_take_waits_for_a_message(log: Log) -> None:
    log.send(b"old")
    consumer = log.consumer()
    consumer.done(_take(consumer))
    sender = threading.Timer(0.5, log.send, [b"new"])
    sender.start()
    assert _values(_take(consumer)) == [b"new"]
    sender.join()


def test_take_gives_up_after_its_timeout(log: Log) -> None:
    log.send(b"old")
    consumer = log.consumer()
    consumer.done(_take(consumer))
    start = time.monotonic()
    assert consumer.take(max_bytes=100, timeout=0.3) is None
    assert 0.25 < time.monotonic() - start < 3


def test_an_unfinished_batch_comes_again_whole_to_the_same_member(log: Log) -> None:
    log.send(b"a" * 10, b"b" * 10, b"c" * 10)
    consumer = log.consumer()
    batch = _take(consumer, max_bytes=20)
    log.send(b"d")
    assert _take(consumer, max_bytes=1) == batch
    assert _take(consumer, max_bytes=1000) == batch


def test_an_unfinished_batch_comes_again_to_the_next_member_after_close(log: Log) -> None:
    log.send(b"a" * 10, b"b" * 10, b"c" * 10)
    first = log.consumer()
    batch = _take(first, max_bytes=20)
    first.close()
    second = log.consumer()
    assert _take(second, max_bytes=1000) == batch
    second.done(batch)
    assert _values(_take(second)) == [b"c" * 10]


def test_an_unfinished_batch_comes_again_after_its_owner_was_killed(log: Log) -> None:
    log.send(b"a" * 10, b"b" * 10, b"c" * 10)
    process = log.worker("hold", "g")
    held = _line(process)
    process.kill()
    process.wait()
    assert _fingerprint(_take(log.consumer(), max_bytes=1000)) == held


def test_a_paused_owner_is_fenced_and_its_batch_redone_with_the_same_token(log: Log) -> None:
    log.send(b"a" * 10, b"b" * 10, b"c" * 10)
    process = log.worker("hold", "g")
    held = _line(process)
    process.send_signal(signal.SIGSTOP)
    consumer = log.consumer()
    batch = _take(consumer, max_bytes=1000)
    assert _fingerprint(batch) == held
    process.send_signal(signal.SIGCONT)
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert _line(process) == "fenced"
    consumer.done(batch)
    assert _values(_take(consumer)) == [b"c" * 10]


def test_a_finished_batch_cannot_be_finished_again(log: Log) -> None:
    log.send(b"a")
    consumer = log.consumer()
    batch = _take(consumer)
    consumer.done(batch)
    with pytest.raises(FencedError, match="drop"):
        consumer.done(batch)


def test_a_new_group_starts_at_the_oldest_message(log: Log) -> None:
    log.send(b"a", b"b")
    early = log.consumer("early")
    early.done(_take(early))
    assert _values(_take(log.consumer("late"))) == [b"a", b"b"]


def test_groups_do_not_disturb_each_other(log: Log) -> None:
    log.send(b"a", b"b")
    one, two = log.consumer("one"), log.consumer("two")
    batch, other = _take(one), _take(two, max_bytes=1)
    one.done(batch)
    assert other.token != batch.token
    assert _take(two) == other


def test_of_two_members_one_owns_the_partition_until_it_leaves(log: Log) -> None:
    log.send(b"a")
    owner, waiting = log.consumer(), log.consumer()
    owner.done(_take(owner))
    assert owner.assigned()
    log.send(b"b")
    assert waiting.take(max_bytes=100, timeout=0.3) is None or not owner.assigned()
    for consumer in (owner, waiting):
        consumer.close()
    heir = log.consumer()
    assert _values(_take(heir)) == [b"b"]


def test_exactly_one_of_two_members_is_the_leader(log: Log) -> None:
    log.send(b"a")
    members = [log.consumer(), log.consumer()]
    deadline = time.monotonic() + WAIT
    # A rebalance under way may leave the partition with nobody for a moment, but never with both.
    while (owners := [member.assigned() for member in members]).count(True) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    leader, other = members if owners[0] else members[::-1]
    leader.close()
    while not other.assigned():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_batch_stops_before_max_bytes_is_exceeded(log: Log) -> None:
    log.send(b"a" * 40, b"b" * 40, b"c" * 40)
    assert _values(_take(log.consumer(), max_bytes=100)) == [b"a" * 40, b"b" * 40]


def test_a_message_longer_than_max_bytes_comes_alone(log: Log) -> None:
    log.send(b"a" * 200, b"b")
    consumer = log.consumer()
    batch = _take(consumer, max_bytes=100)
    assert _values(batch) == [b"a" * 200]
    consumer.done(batch)
    assert _values(_take(consumer, max_bytes=100)) == [b"b"]


def test_a_batch_has_no_more_messages_than_allowed(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    import driftline.bus.kafka_partition  # noqa: PLC0415
    import driftline.bus.sqlite_consumer  # noqa: PLC0415

    for module in (driftline.bus.kafka_partition, driftline.bus.sqlite_consumer):
        monkeypatch.setattr(module, "MAX_MESSAGES", 2)
    log.send(b"a", b"b", b"c")
    consumer = log.consumer()
    batch = _take(consumer)
    assert _values(batch) == [b"a", b"b"]
    consumer.done(batch)
    assert _values(_take(consumer)) == [b"c"]


def test_after_a_small_batch_the_next_small_one_lingers_but_a_claim_does_not(log: Log) -> None:
    log.send(b"a")
    consumer = log.consumer()
    first = consumer.take(max_bytes=100, timeout=WAIT, linger=3600)
    assert first is not None
    assert consumer.take(max_bytes=100, timeout=WAIT, linger=3600) == first
    consumer.done(first)
    log.send(b"b")
    assert consumer.take(max_bytes=100, timeout=1, linger=3600) is None
    assert consumer.assigned(), "a member that rests stays one"


def test_a_member_knows_what_it_owns_and_how_far_behind_it_is(log: Log) -> None:
    log.send(b"a", b"b", b"c")
    consumer = log.consumer()
    batch = _take(consumer, max_bytes=2)
    assert dict(consumer.standing().lag) == {0: 3}
    consumer.done(batch)
    standing = consumer.standing()
    assert dict(standing.lag) == {0: 1}
    assert standing.rebalances == 1


def test_the_longest_message_arrives(log: Log) -> None:
    noise = os.urandom(1_000_000)
    log.send(noise)
    assert _values(_take(log.consumer(), max_bytes=100)) == [noise]


def test_a_message_can_be_looked_for(log: Log) -> None:
    began = time.time() - 5
    log.send(b"a", b"b")
    bus = log.bus()
    assert bus.holds(log.topic, b"b", since=began)
    assert not bus.holds(log.topic, b"c", since=began)
    assert not bus.holds(log.topic, b"b", since=time.time() + 60)


def test_a_message_over_the_limit_is_refused_with_the_way_out(log: Log) -> None:
    with pytest.raises(BusError, match=r"1000001 bytes.*max_message_bytes"):
        log.producer().send(log.topic, b"x" * 1_000_001)


def test_processes_writing_at_once_lose_and_double_nothing(log: Log) -> None:
    log.send(b"start-0")
    for process in [log.worker("write", f"p{number}", "100") for number in range(4)]:
        assert process.wait(WAIT) == 0
    batches = _drain(log.consumer(), 401, max_bytes=500)
    values = [value for batch in batches for value in _values(batch)]
    assert sorted(values) == sorted([b"start-0", *(b"p%d-%d" % (p, n) for p in range(4) for n in range(100))])
    own = [value for value in values if value.startswith(b"p2-")]
    assert own == [b"p2-%d" % number for number in range(100)]


def test_threads_may_share_a_producer(log: Log) -> None:
    producer = log.producer()

    def send_some() -> None:
        for _ in range(25):
            producer.send(log.topic, b"x")

    threads = [threading.Thread(target=send_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(batch.messages) for batch in _drain(log.consumer(), 100, max_bytes=10)) == 100


def test_reopening_goes_on_after_what_is_done(log: Log) -> None:
    log.send(b"a", b"b", b"c")
    first = log.consumer()
    first.done(_take(first, max_bytes=2))
    first.close()
    log.send(b"d")
    assert _values(_take(log.consumer())) == [b"c", b"d"]


def test_lag_counts_what_is_not_done(log: Log) -> None:
    log.send(b"a", b"b", b"c")
    bus = log.bus()
    assert bus.lag(log.topic, group="g") == 3, "also before anybody has joined"
    consumer = log.consumer()
    batch = _take(consumer, max_bytes=2)
    assert bus.lag(log.topic, group="g") == 3
    consumer.done(batch)
    assert bus.lag(log.topic, group="g") == 1
    assert bus.lag(log.topic, group="another") == 3
    consumer.done(_take(consumer))
    assert bus.lag(log.topic, group="g") == 0


def _read(log: Log, since: float = 0.0, until: float = 4e9) -> list[bytes]:
    """What group g has finished of a time range, by reading it again."""
    bus = log.bus()
    stretches = bus.finished(log.topic, group="g", since=since, until=until)
    return [message.value for stretch in stretches for message in bus.read(stretch)]


def test_what_a_group_has_finished_can_be_read_again_by_its_time(log: Log) -> None:
    assert _read(log) == []
    log.send(b"0", b"1")
    time.sleep(0.05)
    middle = time.time()
    time.sleep(0.05)
    log.send(b"2", b"3")
    assert _read(log) == [], "nobody has finished anything"
    consumer = log.consumer()
    batch = _take(consumer, max_bytes=3)
    with pytest.raises(BusError, match=f"group 'g' has left a batch of partition 0 of {log.topic!r} unfinished"):
        _read(log)
    consumer.done(batch)
    done = [message.value for message in batch.messages]
    log.send(b"4")
    assert _read(log) == done == [b"0", b"1", b"2"]
    assert _read(log, since=middle) == [b"2"]
    assert _read(log, until=middle) == [b"0", b"1"]
    assert _read(log, since=time.time() + 100) == []


def test_reading_again_goes_over_many_messages_and_disturbs_nobody(log: Log) -> None:
    sent = [str(number).encode() * 50 for number in range(200)]
    log.send(*sent)
    consumer = log.consumer()
    while (batch := consumer.take(max_bytes=10**6, timeout=1)) is not None:
        consumer.done(batch)
    assert _read(log) == sent
    log.send(b"next")
    assert [message.value for message in _take(consumer).messages] == [b"next"]


def test_members_that_are_alive_are_counted(log: Log) -> None:
    bus = log.bus()
    assert bus.members(log.topic, group="g") == 0
    log.send(b"0")
    consumer = log.consumer()
    consumer.done(_take(consumer))
    assert bus.members(log.topic, group="g") == 1
    assert bus.members(log.topic, group="other") == 0
    consumer.close()
    assert bus.members(log.topic, group="g") == 0


def test_a_recreated_log_has_another_identity_and_is_read_from_its_start(log: Log) -> None:
    log.send(b"a", b"b")
    first = log.consumer()
    before = _take(first)
    first.done(before)
    first.close()
    log.recreate()
    log.send(b"c", b"d", b"e")
    after = _take(log.consumer())
    assert _values(after) == [b"c", b"d", b"e"]
    assert after.bus_id != before.bus_id


def test_members_that_come_and_go_never_give_one_message_two_tokens(log: Log) -> None:
    """The property that exactly-once rests on: all tokens ever handed out are equal or disjoint."""
    log.send(*(b"%04d" % number for number in range(300)))
    handed: list[Batch] = []
    finished: set[int] = set()
    failures: list[BaseException] = []

    def live(seed: int) -> None:
        chance = random.Random(seed)
        try:
            consumer = log.bus().consumer(log.topic, group="g")
            deadline = time.monotonic() + 2 * WAIT
            while len(finished) < 300 and time.monotonic() < deadline:
                batch = consumer.take(max_bytes=chance.randint(1, 60), timeout=0.2)
                if batch is not None:
                    handed.append(batch)
                    if chance.random() < 0.1:
                        consumer.close()
                        consumer = log.bus().consumer(log.topic, group="g")
                    else:
                        with contextlib.suppress(FencedError):
                            consumer.done(batch)
                            finished.update(message.offset for message in batch.messages)
            consumer.close()
        except BaseException as error:  # noqa: BLE001  reported by the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=live, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(finished) == 300
    by_token = {batch.token: batch for batch in handed}
    assert all(by_token[batch.token] == batch for batch in handed)
    offsets = [message.offset for batch in by_token.values() for message in batch.messages]
    assert sorted(offsets) == list(range(300))


@pytest.mark.parametrize("scheme", ["kafka://localhost:{port}", "sqlite:////dev/null/bus.db"])
def test_an_unreachable_bus_says_where_and_how_to_mend_it(scheme: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = scheme.format(port=closed.getsockname()[1])
    with open_bus(url) as bus:
        for use in (bus.producer, lambda: bus.consumer("t", group="g")):
            start = time.monotonic()
            with pytest.raises(BusError, match="setting 'bus'") as caught:
                use()
            assert time.monotonic() - start < 10
            assert caught.value.__cause__ is None
            assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("url", ["", "bus.db", "redis://localhost", "sqlite://bus.db", "sqlite:///"])
def test_a_url_that_cannot_be_used_says_what_can(url: str) -> None:
    with pytest.raises(SettingsError, match="sqlite:///"):
        open_bus(url)


def test_importing_the_bus_loads_no_client() -> None:
    code = "import sys, driftline.bus; sys.exit(bool({'kafka', 'sqlite3'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _take(consumer: Consumer, max_bytes: int = 100_000) -> Batch:
    batch = consumer.take(max_bytes=max_bytes, timeout=WAIT)
    assert batch is not None
    return batch


def _drain(consumer: Consumer, count: int, *, max_bytes: int) -> list[Batch]:
    batches: list[Batch] = []
    while sum(len(batch.messages) for batch in batches) < count:
        batches.append(_take(consumer, max_bytes))
        consumer.done(batches[-1])
    return batches


def _values(batch: Batch) -> list[bytes]:
    return [message.value for message in batch.messages]


def _fingerprint(batch: Batch) -> str:
    return f"{batch.token} {hashlib.sha256(bytes(1).join(_values(batch))).hexdigest()}"


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate()
