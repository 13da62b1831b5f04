"""A member of a Kafka consumer group whose batches keep their boundaries over crashes and rebalances.

A claim is an offset commit: offset ``first`` with the metadata ``claim:<last>:<topic id>``. Finishing is
a commit of ``last + 1`` with ``done:<topic id>``. Whoever is assigned the partition reads the commit
and, if it is a claim, hands out exactly ``first`` to ``last`` again.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import kafka

from driftline.bus.kafka_keeper import Keeper
from driftline.bus.kafka_member import KafkaMember
from driftline.bus.protocol import Batch, Standing
from driftline.errors import FencedError

if TYPE_CHECKING:
    from driftline.bus.kafka_url import KafkaUrl
    from driftline.bus.protocol import Message

_log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0


class KafkaBusConsumer:
    """Reads one topic for one group; the members of a group share out its partitions."""

    def __init__(self, url: KafkaUrl, topic: str, group: str) -> None:
        self._topic = topic
        self._keeper = Keeper(KafkaMember(url, topic, group))
        self._rests_until = 0.0

    def take(self, *, max_bytes: int, timeout: float, linger: float = 0.0) -> Batch | None:
        """Claim and return the next batch, or None if nothing arrived within ``timeout`` seconds.

        Raises:
            BusError: the brokers are away or refuse us.
        """
        deadline = time.monotonic() + timeout
        with self._keeper.call() as member:
            member.batch_bytes = max_bytes
            read_ahead = any(part.buffer for part in member.parts.values())
            wait = 0.0 if read_ahead else min(timeout, _POLL_SECONDS)
            while True:
                got = member.poll(wait)
                while got and not member.full():
                    got = member.poll(0)
                batch = self._next(member, max_bytes, linger)
                now = time.monotonic()
                if batch is not None or now >= deadline:
                    return batch
                rest = self._rests_until - now
                wait = min(deadline - now, _POLL_SECONDS, rest if rest > 0 else _POLL_SECONDS)

    def done(self, batch: Batch) -> None:
        """Move the group past a batch that is safely stored.

        Raises:
            FencedError: the partition has another owner, who redoes the batch.
            BusError: the brokers did not answer; ``take`` will return the same batch again.
        """
        with self._keeper.call() as member:
            if batch.bus_id != member.bus_id:
                raise member.fenced(batch.partition)
            place = kafka.TopicPartition(self._topic, batch.partition)
            member.commit(place, (batch.first, batch.last), (batch.last + 1, None))

    def assigned(self) -> bool:
        """Whether this member owns any partition.

        Raises:
            BusError: the brokers are away or refuse us.
        """
        with self._keeper.call() as member:
            member.poll(0)
            return member.settled and bool(member.parts)

    def standing(self) -> Standing:
        """What this member owns and how far behind it is; nothing while that is being settled.

        Raises:
            BusError: the brokers are away or refuse us.
        """
        with self._keeper.call() as member:
            return Standing(member.lag(), member.rebalances)

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._keeper.stop()

    def _next(self, member: KafkaMember, max_bytes: int, linger: float) -> Batch | None:
        """An unfinished claim that has been read whole, else a new claim, of the partitions in turn."""
        if not member.settled:
            return None
        unfinished = [place for place, part in member.parts.items() if part.last is not None]
        read = [place for place, part in member.parts.items() if part.buffer]
        if (not read and not unfinished) or member.is_recreated():
            return None
        for place in unfinished:
            batch = self._claimed(member, place)
            if batch is not None:
                return batch
        if unfinished:
            return None
        full = member.full()
        rests = time.monotonic() < self._rests_until
        place = next((place for place in read if place in full or not rests), None)
        if place is None:
            return None
        if place not in full:
            self._rests_until = time.monotonic() + linger
        return self._claim(member, place, member.parts[place].fitting(max_bytes))

    def _claim(self, member: KafkaMember, place: Any, messages: tuple[Message, ...]) -> Batch | None:
        first, last = messages[0].offset, messages[-1].offset
        try:
            member.commit(place, (member.parts[place].next, None), (first, last))
        except FencedError:
            return None  # a rebalance came in between; what is ours now is found by the next poll
        member.parts[place] = member.parts.pop(place)  # last in turn
        return self._claimed(member, place)

    def _claimed(self, member: KafkaMember, place: Any) -> Batch | None:
        """The claimed batch of a partition, once it has been read."""
        part = member.parts.get(place)
        if part is None or part.next is None or part.last is None:
            return None
        first, last, messages = part.next, part.last, part.claimed()
        if not part.has_whole_claim() and member.position(place) <= last:
            return None
        if messages:
            return Batch(member.bus_id, self._topic, place.partition, first, last, messages)
        _log.warning(
            "%s/%d: offsets %d to %d were claimed but Kafka has deleted them; going on after them",
            self._topic, place.partition, first, last,
        )  # fmt: skip
        with suppress(FencedError):
            member.commit(place, (first, last), (last + 1, None))
        return None
