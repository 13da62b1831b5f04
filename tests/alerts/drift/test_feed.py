"""What arrived reaches the streams once: however late it lands, and whenever the reader is killed."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_support import LEAF, MINUTE, SUPPORT, T0, MemoryStore, arrive, stream, summed
from driftline.errors import StoreError
from driftline_alerts.drift.feed import LONGEST, OPEN, Feed, history
from driftline_alerts.drift.snapshots import Snapshot, load, save
from driftline_alerts.drift.stream import ANCHORS, StreamKey
from driftline_store.histogram import bin_of

if TYPE_CHECKING:
    from driftline_alerts.drift.stream import Part
    from driftline_store.client import Client

START = int(T0.timestamp())
EVERYTHING = stream("requests", environment="production")


def at(second: float) -> datetime:
    return datetime.fromtimestamp(START + second, UTC)


def requests(parts: list[Part]) -> int:
    return sum(part.counts[0] for part in parts if part.key == EVERYTHING)


def read_all(feed: Feed, client: Client, now: datetime) -> list[Part]:
    """As many looks as it takes."""
    parts = feed.read(client, now)
    while feed.position < now.timestamp():
        parts += feed.read(client, now)
    return parts


def test_counts_rise_through_the_lattice(client: Client) -> None:
    bins = {bin_of(1.0): 6, bin_of(2.0): 4}
    other = {**SUPPORT, "prompt_version": "4"}
    row = {"at": T0, "requests": 10, "request_errors": 3, "request_seconds": bins, "calls": 0}
    arrive(client, [row, {**row, **other, "request_errors": 1, "requests": 5, "calls": 7}])
    found = summed(Feed.starting(T0).read(client, at(10)))
    assert found[StreamKey("error_rate", "", LEAF)] == {0: 7, 1: 3}
    for length in (1, 2, 3):
        segment = LEAF[:length]
        assert found[StreamKey("error_rate", "", segment)] == {0: 11, 1: 4}
        assert found[StreamKey("latency_p95", "", segment)] == {key: 2 * n for key, n in bins.items()}
        assert found[StreamKey("requests", "", segment)] == {0: 15}
        assert found[StreamKey("calls", "", segment)] == {0: 7}
    assert found[StreamKey("call_error_rate", "", tuple(other.items()))] == {0: 7}
    assert StreamKey("call_error_rate", "", LEAF) not in found


def test_what_was_too_much_to_be_kept_apart_counts_only_above(client: Client) -> None:
    arrive(client, [{"at": T0, "requests": 4, "prompt_version": "__other__"}])
    segments = {part.key.segment for part in Feed.starting(T0).read(client, at(10))}
    assert segments == {LEAF[:1], LEAF[:2], LEAF[:3]}


def test_leaves_see_their_uniform_sample_and_what_lies_above_the_base_sample(client: Client) -> None:
    row = {"at": T0, "name": "quality", "evaluator": "f1", "criterion": "", "unit": "request", "run": ""}
    levels = {"uniform_levels": {18: 5, 2: 1}, "base_levels": {18: 2}}
    nowhere = ({"criterion": "tone"}, {"run": "again"}, {"unit": "anchor"})
    arrive(client, [{**row, **levels}, *({**row, **levels, **one} for one in nowhere)], "judged_rollups")
    found = summed(Feed.starting(T0).read(client, at(10)))
    assert found == {
        StreamKey("quality", "f1", LEAF, "quality"): {18: 5, 2: 1},
        **{StreamKey("quality", "f1", LEAF[:length], "quality"): {18: 2} for length in (1, 2, 3)},
    }


def test_anchors_are_paired_with_the_score_by_people(client: Client) -> None:
    client.insert("anchors", [["a", "", 0.9], ["b", "", 1.0]], column_names=["id", "output", "score"])
    scores = [("a", 0.9), ("a", 0.5), ("b", 0.0), ("gone", 0.3)]
    rows = [[anchor, "anchor", "judge", "quality", "f1", T0, T0, score] for anchor, score in scores]
    names = ["unit_id", "unit", "source", "name", "evaluator", "at", "request_start", "score"]
    client.insert("evaluations", rows, column_names=names)
    parts = Feed.starting(T0).read(client, at(10))
    assert summed(parts) == {StreamKey("quality", "f1", ANCHORS, "quality"): {10: 1, 6: 1, 0: 1}}


def test_hits_that_come_before_what_they_are_of_wait_for_it(client: Client) -> None:
    feed = Feed.starting(T0)
    arrive(client, [{"at": T0, "reports": 3, "requests": 1}])
    first = summed(feed.read(client, at(10)))
    feed = Feed.load(feed.dump())
    arrive(client, [{"at": T0, "reports": 0, "requests": 5}])
    then = summed(feed.read(client, at(20)))
    key = StreamKey("report_rate", "", LEAF)
    assert (first[key], then[key]) == ({1: 1}, {0: 3, 1: 2})


def test_rows_that_are_deleted_are_no_part_and_do_not_come_twice(client: Client) -> None:
    feed = Feed.starting(T0)
    arrive(client, [{"at": T0, "requests": 5}])
    assert requests(feed.read(client, at(10))) == 5
    client.command("TRUNCATE TABLE llm_rollups")
    assert feed.read(client, at(20)) == []
    arrive(client, [{"at": T0, "requests": 7}])
    assert requests(feed.read(client, at(30))) == 2


def test_history_and_what_follows_are_all_there_is(client: Client) -> None:
    arrive(client, [{"at": T0 + number * 6 * MINUTE, "requests": 1 + number, "thumbs_up": 1} for number in range(12)])
    cut, now = T0 + 63 * MINUTE, T0 + 80 * MINUTE
    before = list(history(client, T0, cut))
    after = read_all(Feed.starting(cut), client, now)
    assert requests(before) == sum(range(1, 12))
    assert requests(after) == 12
    assert summed([*before, *after])[StreamKey("satisfaction", "", LEAF)] == {0: 12}
    assert {(part.begin, part.end) for part in before} == {(T0, T0 + 60 * MINUTE), (T0 + 60 * MINUTE, cut)}


def test_a_kill_between_reading_and_saving_loses_and_doubles_nothing(client: Client) -> None:
    chance, inserted, now = random.Random(3), 0, 0.0
    feed, taken, snapshot = Feed.starting(T0), Counter[str](), Snapshot()
    for action in ["insert", "read", "kill", "save", *chance.choices(["insert", "read", "save", "kill"], k=20)]:
        now += chance.choice([1, 10, 45, 200])
        if action == "insert":
            minute = int(now) // 60 * 60 - 60 * chance.choice([0, 0, 1, 5])
            rows = [{"at": at(max(0, minute)), "requests": chance.randint(1, 9)} for _ in range(3)]
            arrive(client, rows)
            inserted += sum(row["requests"] for row in rows)  # type: ignore[misc]
        elif action == "read":
            taken["requests"] += requests(feed.read(client, at(now)))
        elif action == "save":
            states = {"feed": feed.dump(), "taken": json.dumps(taken).encode()}
            snapshot = Snapshot(snapshot.step + 1, states)
            save(client, snapshot)
        elif (snapshot := load(client)).states:
            feed, taken = Feed.load(snapshot.states["feed"]), Counter(json.loads(snapshot.states["taken"]))
        else:
            feed, taken = Feed.starting(T0), Counter()
    taken["requests"] += requests(feed.read(client, at(now + 60)))
    assert taken["requests"] == inserted


Action = tuple[str, int, str]
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), st.sampled_from([0, 1, 3, OPEN // 60]), st.sampled_from(["chat", "support"])),
        st.tuples(st.sampled_from(["read", "read", "save", "kill"]), st.sampled_from([5, 200, 2000]), st.just("")),
    ),
    min_size=5,
    max_size=40,
)


@given(ACTIONS)
@settings(max_examples=60, deadline=None)
def test_every_order_of_arrivals_looks_and_kills_takes_each_row_once(actions: list[Action]) -> None:
    store, now, taken = MemoryStore(), 0, 0
    client = cast(Any, store)
    feed = Feed.starting(T0)
    saved = (feed.dump(), 0)
    for what, number, feature in actions:
        if what == "insert":
            newest = max((minute for minute, _ in store.totals), default=START)
            store.totals[max(START, newest - number * 60, (START + now) // 60 * 60 - number * 60), feature] += 1
            continue
        now += number
        if what == "read":
            taken += requests(feed.read(client, at(now)))
        elif what == "save":
            saved = (feed.dump(), taken)
        else:
            feed, taken = Feed.load(saved[0]), saved[1]
    taken += requests(read_all(feed, client, at(now + 120)))
    assert taken == store.totals.total()


def test_what_arrives_after_its_minute_was_closed_is_counted_as_missed(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore(Counter({(START, "chat"): 5, (START + OPEN + 60, "chat"): 1}))
    client = cast(Any, store)
    feed = Feed.starting(T0)
    taken = requests(read_all(feed, client, at(OPEN + 70)))
    store.totals[START, "chat"] += 3
    for later in range(1, 4):
        store.totals[START + (1 + later) * OPEN, "chat"] += 1
        feed = Feed.load(feed.dump())
        taken += requests(read_all(feed, client, at((1 + later) * OPEN + 70)))
    assert (taken, feed.missed) == (9, 3)
    assert caplog.messages[0].startswith("drift detection missed 3 observations of the minutes 10:00 UTC")
    assert len(caplog.messages) == 1


def test_a_series_that_is_new_with_a_version_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore(Counter({(START, "chat"): 5, (START + OPEN + 60, "chat"): 1}))
    client = cast(Any, store)
    feed = Feed.starting(T0)
    read_all(feed, client, at(OPEN + 70))
    with monkeypatch.context() as older:
        older.setattr("driftline_alerts.drift.feed._SERIES", ["another"])
        data = feed.dump()
    feed = Feed.load(data)
    store.totals[START, "chat"] += 3  # stands for the new series
    for later in range(1, 4):
        store.totals[START + (1 + later) * OPEN, "chat"] += 1
        read_all(feed, client, at((1 + later) * OPEN + 70))
    assert feed.missed == 0


def test_catching_up_takes_some_minutes_at_a_time() -> None:
    store = MemoryStore(Counter({(START + minute * 60, "chat"): 1 for minute in range(100)}))
    feed, looks = Feed.starting(T0), [0]
    while feed.behind(at(6000)):
        looks.append(requests(feed.read(cast(Any, store), at(6000))))
    looks.append(requests(feed.read(cast(Any, store), at(6000))))
    assert sum(looks) == 100
    assert max(looks) == LONGEST // 60


def test_a_store_that_is_away_leaves_the_feed_as_it_was() -> None:
    store = MemoryStore(Counter({(START, "chat"): 5}))
    client = cast(Any, store)
    feed = Feed.starting(T0)
    store.is_away = True
    with pytest.raises(StoreError):
        feed.read(client, at(10))
    store.is_away = False
    assert requests(feed.read(client, at(10))) == 5


def test_a_row_from_a_clock_that_is_ahead_closes_no_minute_before_its_time() -> None:
    store = MemoryStore(Counter({(START + 7200, "chat"): 1}))
    client = cast(Any, store)
    feed = Feed.starting(T0)
    taken = requests(feed.read(client, at(10)))
    store.totals[START + 60, "chat"] += 2
    taken += requests(feed.read(client, at(80)))
    assert (taken, feed.missed) == (3, 0)
