"""Ingest processes that share a bus: whatever joins, leaves, crashes or sleeps, each span is stored once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from driftline.bus import SPANS_TOPIC
from driftline_processors.reports import Instance, alive
from groups_support import recreate_topics, wait_for

if TYPE_CHECKING:
    from groups_support import Group

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# On Kafka, whose sessions make each of these take half a minute, the rounds of faults meet the other points too, and
# members that are killed while they work.
WHERE = pytest.mark.parametrize(
    ("any_group", "point"),
    [
        ("sqlite", "claim"),
        ("sqlite", "insert"),
        ("sqlite", "done"),
        pytest.param("kafka", "insert", marks=pytest.mark.kafka),
    ],
    indirect=["any_group"],
)


def test_members_that_join_leave_and_crash_lose_and_double_nothing(sqlite_group: Group) -> None:
    with sqlite_group.load(2):
        first = sqlite_group.join()
        sqlite_group.wait_for_more()
        second = sqlite_group.join()
        sqlite_group.wait_for_more(20)
        sqlite_group.join()
        sqlite_group.wait_for_more(20)
        first.kill()
        sqlite_group.wait_for_more(20)
        sqlite_group.join()
        second.leave()
        sqlite_group.wait_for_more(20)
    sqlite_group.end()


@WHERE
def test_a_member_that_sleeps_past_its_session_doubles_nothing_when_it_wakes(any_group: Group, point: str) -> None:
    any_group.send(20)
    sleeper = any_group.join(pause_at=point)
    sleeper.wait_until_paused()
    any_group.join()
    any_group.send(20)
    any_group.wait_until_stored()
    sleeper.signal(signal.SIGCONT)
    any_group.send(20)
    any_group.wait_until_stored()
    if point != "claim":
        wait_for(lambda: "went to another member" in sleeper.log.read_text(), any_group.logs)
    any_group.end()


def test_a_member_killed_at_the_worst_moment_loses_and_doubles_nothing(sqlite_group: Group) -> None:
    sqlite_group.send(20)
    victim = sqlite_group.join(pause_at="insert")
    victim.wait_until_paused()
    victim.kill()
    sqlite_group.join()
    sqlite_group.send(20)
    sqlite_group.end()


@pytest.mark.kafka
@pytest.mark.parametrize("partitions", [12])
def test_twelve_partitions_are_shared_by_three_processes_and_all_go_to_the_last(
    kafka_group: Group, partitions: int
) -> None:
    members = [kafka_group.join() for _ in range(3)]
    with kafka_group.load(2):
        wait_for(lambda: shares(kafka_group) == [4, 4, 4], kafka_group.logs)
        members[0].kill()
        members[1].leave()
        wait_for(lambda: shares(kafka_group) == [partitions], kafka_group.logs)
    kafka_group.end()


@pytest.mark.kafka
def test_a_topic_made_anew_under_the_members_is_read_from_its_start(kafka_group: Group) -> None:
    sleeper = kafka_group.join(pause_at="insert")
    kafka_group.send(20)
    sleeper.wait_until_paused()
    kafka_group.join()
    kafka_group.wait_until_stored()
    recreate_topics(kafka_group.bus_url)
    # Members that looked while the topic was away can share out nothing until their group changes (kafka-python 3).
    kafka_group.join()
    kafka_group.send(20)
    kafka_group.wait_until_stored()
    sleeper.signal(signal.SIGCONT)
    kafka_group.send(20)
    kafka_group.end()


def shares(group: Group) -> list[int]:
    """How many partitions of the spans each live member says it owns."""
    return sorted(owned(instance) for instance in alive(group.client))


def owned(instance: Instance) -> int:
    found = instance.topics[SPANS_TOPIC].get("partitions")
    return 0 if found is None else int(found.value)
