"""Membership in a Kafka consumer group: joining, reading ahead, and commits that only an owner can make.

Why a zombie cannot do harm: brokers refuse commits of any generation but the current one, within a
generation a partition has one owner, and our view of what we own changes only where this module polls.
Each time the generation changes, all our partitions are compared with what the broker has committed.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import kafka
import kafka.errors as kafka_errors
from kafka.structs import MemberState

from driftline.bus.kafka_client import REQUEST_SECONDS, explained, group_id, open_consumer, probe
from driftline.bus.kafka_partition import Partition
from driftline.bus.kafka_topics import Topics
from driftline.bus.protocol import Message
from driftline.errors import BusError, FencedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.bus.kafka_url import KafkaUrl

_SETTLE_SECONDS = 30.0
"""How long ``done`` waits for a rebalance to end before it reports a failure."""

_PROOF_SECONDS = 5.0
"""How old the last sign of life of the brokers may be before silence is checked by a request."""

_LEAVE_SECONDS = 3.0

_AHEAD_BYTES = 64_000_000
"""How much is read ahead of all partitions together; the share of one is at least ``_LEAST_AHEAD_BYTES``."""

_LEAST_AHEAD_BYTES = 1_000_000

_POLL_BYTES = 2_000_000
"""How much one poll shall bring, as far as the messages before let one guess: kafka-python unpacks
everything that a poll returns, and what was compressed well can be many times what was fetched."""

_MOST_RECORDS = 2000

_LOST = (
    kafka_errors.CommitFailedError,
    kafka_errors.IllegalGenerationError,
    kafka_errors.UnknownMemberIdError,
    kafka_errors.FencedInstanceIdError,
)


class KafkaMember:
    """One member of one group on one topic.

    Attributes:
        bus_id: Kafka's id of the topic.
        parts: the partitions that this member owns, the one whose turn it is first.
        settled: whether the group is at rest, so that batches may be handed out.
        batch_bytes: the size of a full batch.
        rebalances: how often the partitions were shared out since this object was made.
    """

    def __init__(self, url: KafkaUrl, topic: str, group: str) -> None:
        self._url = url
        self._topic = topic
        self._group = group_id(topic, group)
        self._client: Any = None
        self._topics: Topics | None = None
        self._membership: tuple[str, int] | None = None
        self._proof = 0.0
        self.bus_id = ""
        self.parts: dict[Any, Partition] = {}
        self.settled = False
        self.batch_bytes = _LEAST_AHEAD_BYTES
        self.rebalances = 0
        self._records = 10
        self._open()

    @property
    def joined(self) -> bool:
        """Whether this member is in the group, or on its way into it."""
        return self._client is not None

    def poll(self, wait: float) -> bool:
        """Let joins go on, follow them, and read ahead.

        Returns:
            Whether messages arrived.
        """
        if self._client is None:
            self._open()
        with self._leaving_on_error("reading"):
            self._throttle()
            records = self._client.poll(timeout_ms=int(wait * 1000), max_records=self._records)
            if self._follow():
                return False  # what was read comes from before: it is read again from where we stand
            for place, found in records.items():
                self._keep(place, [Message(record.offset, record.value or b"") for record in found])
            self._prove_alive(heard=bool(records))
        return bool(records)

    def full(self) -> list[Any]:
        """The partitions with a whole batch read ahead, or with as much as is read ahead of one."""
        enough = min(self.batch_bytes, self._share())
        return [place for place, part in self.parts.items() if part.holds(enough)]

    def lag(self) -> dict[int, int]:
        """Messages that are not done, by partition of ours; none while the group is not at rest.

        Raises:
            BusError: the brokers are away or refuse us.
        """
        if self._client is None or not self.settled:
            return {}
        places, patience = list(self.parts), REQUEST_SECONDS * 1000
        with self._leaving_on_error("counting what waits in"):
            ends = self._client.end_offsets(places, timeout_ms=patience)
            new = [place for place in places if self.parts[place].next is None]
            starts = self._client.beginning_offsets(new, timeout_ms=patience) if new else {}
        done = {place: starts.get(place, self.parts[place].next) for place in places}
        return {place.partition: max(0, ends[place] - done[place]) for place in places}

    def commit(self, place: Any, known: tuple[int | None, int | None], new: tuple[int, int | None]) -> None:
        """Move a partition from one pair of next and last offset to another, if it is still ours.

        Raises:
            FencedError: it is not.
            BusError: the brokers did not answer.
        """
        offset, last = new
        deadline = time.monotonic() + _SETTLE_SECONDS
        while True:
            self._settle(deadline)
            part = self.parts.get(place)
            if part is None or (part.next, part.last) != known:
                raise self.fenced(place.partition)
            metadata = f"done:{self.bus_id}" if last is None else f"claim:{last}:{self.bus_id}"
            with self._leaving_on_error("committing to"):
                try:
                    commit = {place: kafka.OffsetAndMetadata(offset, metadata)}
                    self._client.commit(commit, timeout_ms=REQUEST_SECONDS * 1000)
                except kafka_errors.RebalanceInProgressError:
                    continue  # nothing was sent: the group has to come to rest first
                except _LOST:
                    self.parts, self._membership = {}, None
                else:
                    part.move(offset, last, (offset, metadata))
                    return
            raise self.fenced(place.partition)

    def leave(self) -> None:
        """Leave the group and forget what we owned; the next call joins anew.

        Also the way out of a commit without an answer: it may still be on its way, and only the end
        of its generation keeps it from overwriting a later one.
        """
        client, self._client = self._client, None
        topics, self._topics = self._topics, None
        self.parts, self._membership, self.settled = {}, None, False
        if client is not None:
            with suppress(kafka_errors.KafkaError, OSError, RuntimeError):
                client.close(autocommit=False, timeout_ms=_LEAVE_SECONDS * 1000)
        if topics is not None:
            topics.close()

    def is_recreated(self) -> bool:
        """Whether the topic is another one than what was read so far came from; if so, start over.

        Kafka's fetches and commits name a topic, not its id: after a topic was deleted and created
        again, messages of the new one could be handed out under the token of the old one.

        Raises:
            BusError: the brokers are away or refuse us.
        """
        with self._leaving_on_error("looking up"):
            recreated = self._identity() != self.bus_id
        if recreated:
            self.leave()
        return recreated

    def position(self, place: Any) -> int:
        """The offset that is read next, or -1 while that is being found out.

        Raises:
            BusError: the brokers are away or refuse us.
        """
        with self._leaving_on_error("reading"):
            found = self._client.position(place, timeout_ms=REQUEST_SECONDS * 1000)
        return -1 if found is None else int(found)

    def fenced(self, partition: int) -> FencedError:
        """The error of a batch whose partition is no longer ours."""
        return FencedError(
            f"partition {partition} of {self._topic!r} has been given to another member of group "
            f"{self._group!r}; drop the batch, it is redone there"
        )

    def _open(self) -> None:
        """Join as a new member."""
        topics = self._topics = Topics(self._url)
        try:
            self.bus_id = topics.ensure(self._topic)
            self._client = open_consumer(self._url, self._group)
        except BusError:
            self.leave()
            raise
        self._proof = time.monotonic()
        with self._leaving_on_error("subscribing to"):
            self._client.subscribe([self._topic])
            # Wait until the topic's partitions are known: whoever has to share them out before that
            # gives nobody any, and a whole second rebalance follows.
            place = kafka.TopicPartition(self._topic, 0)
            self._client.beginning_offsets([place], timeout_ms=REQUEST_SECONDS * 1000)

    @contextmanager
    def _leaving_on_error(self, doing: str) -> Iterator[None]:
        try:
            with explained(self._url, f"{doing} the topic {self._topic!r}"):
                yield
        except BusError:
            self.leave()
            raise

    def _keep(self, place: Any, messages: list[Message]) -> None:
        """Put what was read behind what is there, and learn from it how much to ask for."""
        mean = sum(len(message.value) for message in messages) // len(messages) + 1
        self._records = max(1, min(_POLL_BYTES // mean, _MOST_RECORDS))
        part = self.parts.get(place)
        if part is not None and not part.add(messages):
            self._check_cut(place)

    def _share(self) -> int:
        """How much is read ahead of one partition: two batches, or less where there are many partitions."""
        share = _AHEAD_BYTES // max(1, len(self.parts))
        return max(_LEAST_AHEAD_BYTES, min(2 * self.batch_bytes, share))

    def _throttle(self) -> None:
        """Fetch nothing for partitions with enough read ahead, unless their claim is not complete yet."""
        share = self._share()
        for place in self._client.assignment() & self.parts.keys():
            part = self.parts[place]
            enough = part.holds(share) and part.has_whole_claim()
            (self._client.pause if enough else self._client.resume)(place)

    def _follow(self) -> bool:
        """Compare what we know with the broker's commits if the generation has changed.

        Returns:
            Whether it has; every partition is then read from the end of what we keep of it.
        """
        member = self._client.group_metadata()
        self.settled = member.state == MemberState.STABLE
        membership = (member.member_id, member.generation_id)
        assigned = self._client.assignment()
        known = membership == self._membership and assigned == self.parts.keys()
        if known or not self.settled:
            return False
        bus_id = self._identity()
        if bus_id is None:
            self.leave()  # deleted: what joins next creates it
            return True
        kept = self.parts if bus_id == self.bus_id else {}
        self.bus_id, self.parts = bus_id, {}
        for place in sorted(assigned):
            found = self._client.committed(place, metadata=True, timeout_ms=REQUEST_SECONDS * 1000)
            committed = None if found is None else (found.offset, found.metadata or "")
            part = kept.get(place)
            if part is None or part.committed != committed:
                part = Partition.from_committed(committed, bus_id)
            if part.end is None:
                self._client.seek_to_beginning(place)
            else:
                self._client.seek(place, part.end)
            self.parts[place] = part
        self._membership = membership
        self.rebalances += 1
        return True

    def _identity(self) -> str | None:
        return None if self._topics is None else self._topics.identity(self._topic)

    def _check_cut(self, place: Any) -> None:
        """The log goes back behind what was done: fine if it is another log, else someone must decide."""
        if not self.is_recreated():
            raise BusError(
                f"partition {place.partition} of {self._topic!r} ends before the offset that group "
                f"{self._group!r} has done: Kafka lost messages; set the group's offset with "
                "kafka-consumer-groups.sh --reset-offsets --to-latest"
            )

    def _prove_alive(self, *, heard: bool) -> None:
        """Ask for a sign of life after a silence: polling an absent broker looks like an empty topic.

        While the group is not at rest only a connection is tried: brokers answer the requests of one
        connection in turn, and one that wants to join is not answered before all members have joined.
        """
        if heard:
            self._proof = time.monotonic()
        if self._client is None or time.monotonic() - self._proof < _PROOF_SECONDS:
            return
        if self.settled:
            place = kafka.TopicPartition(self._topic, 0)
            self._client.committed(place, timeout_ms=REQUEST_SECONDS * 1000)
        else:
            probe(self._url)
        self._proof = time.monotonic()

    def _settle(self, deadline: float) -> None:
        """Let a rebalance end that is under way, as commits are refused until then."""
        while self._client is not None and self._client.group_metadata().state == MemberState.REBALANCING:
            if time.monotonic() > deadline:
                raise BusError(
                    f"group {self._group!r} has been rebalancing for more than {_SETTLE_SECONDS:.0f} s; "
                    "a member is busy or hangs, see which one is slow"
                )
            self.poll(0.1)
