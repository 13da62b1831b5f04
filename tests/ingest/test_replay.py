"""A replay derives again what came in a time, leaves the rest, keeps sums and rows in step, and swaps or does not."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC, open_bus
from driftline.errors import BusError, DriftlineError, StoreError
from driftline.settings import load
from driftline_cli.replay import moment
from driftline_processors import prices
from driftline_processors.dictionaries import PRICES
from driftline_processors.prepare import prepare
from driftline_processors.replay import Outcome, replay, run, shadow, unfinished
from driftline_processors.replay.derive import Range
from driftline_processors.replay.swap import complete, refuse_unfinished
from driftline_processors.replay.tables import LEFT_OUT, ROWS, SUMS
from driftline_processors.settle import settle_sessions, settle_traces, traces
from driftline_processors.views import VIEWS
from driftline_store import purge
from driftline_store.purge import Subject
from ingest_support import Pipeline, captured_logs
from made_spans import NOW, SPAN, feedback, request
from store_fixtures import running_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline.bus import Bus
    from driftline_store.client import Client

DAY = 86_400 * 10**9
CALL = {"gen_ai.request.model": "gpt-4o-mini", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 100}
SNAPSHOTS = {
    "llm_spans": "SELECT * FROM llm_spans ORDER BY ALL",
    "llm_content": "SELECT * FROM llm_content ORDER BY ALL",
    "evaluations": "SELECT * FROM evaluations ORDER BY ALL",
    "llm_rollups": "SELECT * EXCEPT (sessions, users), finalizeAggregation(sessions), finalizeAggregation(users) "
    "FROM llm_rollups FINAL ORDER BY ALL",
    "judge_queue": "SELECT * FROM judge_queue ORDER BY ALL",
    "unpriced_models": "SELECT * FROM unpriced_models FINAL ORDER BY ALL",
    "dead_letters": "SELECT * FROM dead_letters ORDER BY ALL",
}


@dataclass
class Steps:
    """Keeps what it is told."""

    total: int = 0
    parts: int = 0
    during: dict[str, Any] = field(default_factory=dict)

    def step(self, what: str, total: int | None = None) -> None:
        self.total = total or self.total
        if act := self.during.get(what):
            act()

    def advance(self, parts: int) -> None:
        self.parts += parts


@dataclass
class World:
    """Everything between a producer and the tables, and the bus itself."""

    pipeline: Pipeline
    bus: Bus

    def stop(self) -> None:
        """Stop ingest."""
        for ingest in self.pipeline.ingests.values():
            ingest.consumer.close()

    def again(self, since: float = 0.0, until: float = 4e9, **options: Any) -> Outcome:
        """Stop ingest and replay."""
        self.stop()
        given: dict[str, Any] = {"batch_bytes": 10**6, "dry_run": False, "progress": Steps(), **options}
        return replay(self.pipeline.client, self.bus, Range(since, until), **given)


@pytest.fixture
def world(pipeline: Pipeline, tmp_path: Path) -> Iterator[World]:
    shadow.remove(pipeline.client)
    with open_bus(f"sqlite:///{tmp_path / 'bus.db'}") as bus:
        yield World(pipeline, bus)
    shadow.remove(pipeline.client)
    prices.preload(pipeline.client)


def snapshot(client: Client, *without: str) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: [tuple(row) for row in client.query(text).result_rows]
        for name, text in SNAPSHOTS.items()
        if name not in without
    }


def double_prices(client: Client) -> None:
    client.command(
        "INSERT INTO model_prices SELECT * REPLACE (input * 2 AS input, output * 2 AS output, 'doubled' AS version, "
        "now64(3) AS set_at) FROM model_prices FINAL WHERE model = 'gpt-4o-mini' AND known"
    )
    PRICES.reload(client)


def trace(number: int) -> bytes:
    return bytes([number]) * 16


def send_everything(pipeline: Pipeline) -> None:
    """What can come: calls, the same twice, wrong clocks, several months, unreadable bytes, content, feedback."""
    months = [
        request(
            {**CALL, "user.id": f"user-{number}", "gen_ai.conversation.id": f"session-{number}"},
            trace_id=trace(number),
            start_time_unix_nano=NOW - number * 20 * DAY,
        )
        for number in range(1, 6)
    ]
    twice = request({**CALL, "gen_ai.output.messages": "said twice"}, trace_id=trace(6))
    clocks = [request(CALL, trace_id=trace(8), start_time_unix_nano=clock) for clock in (1, NOW + 300 * DAY)]
    unknown = request({"gen_ai.request.model": "nobody-knows-it"}, trace_id=trace(9))
    pipeline.send(*months, twice, twice, b"\xff\xff", request(CALL, trace_id=trace(7)), *clocks, unknown)
    opinions = [feedback(trace(1), label) for label in ("thumbs_up", "thumbs_down", "report")]
    pipeline.send_logs(captured_logs("otel-genai-openai-1.3b0-event_only", "chat"), *opinions)


def add_scores(client: Client) -> None:
    """A judge's score, which no message has, and feedback that came long ago."""
    for name, source, ago in (("quality", "judge", 0), ("feedback", "human", 40)):
        row = {
            "trace_id": trace(1).hex(),
            "name": name,
            "source": source,
            "score": 0.5,
            "label": "thumbs_up",
            "request_start": datetime.fromtimestamp(NOW / 1e9, UTC) - timedelta(days=20),
            "at": datetime.now(UTC) - timedelta(days=ago),
        }
        client.insert("evaluations", [list(row.values())], column_names=list(row))


def sums_agree(client: Client) -> bool:
    """Whether sums and rows say the same for each day."""
    rows = "SELECT toDate(start) AS day, countIf(is_call) AS calls, sum(cost) FROM llm_spans WHERE is_call GROUP BY day"
    sums = (
        "SELECT toDate(at) AS day, sum(llm_rollups.calls) AS calls, sum(cost) FROM llm_rollups "
        "WHERE resolution = 'hour' GROUP BY day"
    )
    both = [client.query(f"SELECT * FROM ({query}) WHERE calls > 0 ORDER BY day").result_rows for query in (rows, sums)]
    return both[0] == both[1]


def test_a_replay_of_everything_without_any_change_changes_nothing(world: World) -> None:
    pipeline = world.pipeline
    send_everything(pipeline)
    add_scores(pipeline.client)
    before = snapshot(pipeline.client)
    assert [name for name, rows in before.items() if not rows] == ["judge_queue"]
    steps = Steps()
    outcome = world.again(progress=steps, batch_bytes=3000)
    assert snapshot(pipeline.client) == before
    assert (outcome.read.messages, outcome.read.unreadable, outcome.left) == (16, 1, set())
    assert steps.parts == steps.total == 16
    for table, figures in outcome.figures.items():
        assert all(old == new for old, new in figures.values()), table
    assert sums_agree(pipeline.client)
    left = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%\\_\\_%'"
    assert pipeline.client.query(left).result_rows == [(0,)]


def test_only_what_came_in_the_time_is_derived_again(world: World) -> None:
    pipeline = world.pipeline
    pipeline.send(request(CALL, trace_id=trace(1)), request(CALL, trace_id=trace(2)))
    time.sleep(0.02)
    since = time.time()
    pipeline.send(request(CALL, trace_id=trace(3)))
    # The same span again: of two live rows the later one came in the time.
    pipeline.send(request(CALL, trace_id=trace(1)))
    until = time.time()
    time.sleep(0.02)
    pipeline.send(request(CALL, trace_id=trace(4)), request(CALL, trace_id=trace(3)))
    versions = "SELECT trace_id, price_version, arrived FROM llm_spans ORDER BY arrived, trace_id"
    before = pipeline.client.query(versions).result_rows
    double_prices(pipeline.client)
    outcome = world.again(since, until)
    after = pipeline.client.query(versions).result_rows
    assert [row[2] for row in after] == [row[2] for row in before]
    assert sorted(int(name[:2], 16) for name, version, _ in after if version == "doubled") == [1, 3]
    assert sums_agree(pipeline.client)
    assert outcome.figures["llm_spans"]["calls"] == (6, 6)
    old, new = outcome.figures["llm_spans"]["cost, USD"]
    assert new == pytest.approx(old * 8 / 6)
    assert outcome.figures["llm_rollups"]["cost, USD"] == (old, new)


def test_opinions_keep_their_order_and_those_from_before_and_labels_stay(world: World) -> None:
    pipeline = world.pipeline
    filed = {"driftline.feature": "support"}
    pipeline.send_logs(feedback(trace(1), "thumbs_up", **filed))
    time.sleep(0.02)
    since = time.time()
    pipeline.client.command(
        "INSERT INTO evaluations (trace_id, span_id, name, source, score, label, evaluator, at) "
        f"VALUES ('{trace(1).hex()}', '{SPAN.hex()}', 'feedback', 'human', 1, 'pass', 'ann', now64(3))"
    )
    time.sleep(0.02)
    for label in ("thumbs_down", "report", "thumbs_down"):
        pipeline.send_logs(feedback(trace(1), label, **filed))
        time.sleep(0.02)
    add_scores(pipeline.client)
    before = snapshot(pipeline.client)
    world.again(since)
    assert snapshot(pipeline.client) == before


def test_a_changed_view_changes_rows_and_sums(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = world.pipeline
    send_everything(pipeline)
    changed = [
        replace(view, query=view.query.replace("firstNonDefault(declared_feature, ", "concat('new-', scope, "))
        for view in VIEWS
    ]
    assert changed != list(VIEWS)
    monkeypatch.setattr(shadow, "VIEWS", tuple(changed))
    world.again()
    for table, is_call in (("llm_spans", "is_call"), ("llm_rollups", "calls > 0 AND resolution != 'arrival'")):
        query = f"SELECT DISTINCT startsWith(feature, 'new-') FROM {table} WHERE {is_call}"
        assert pipeline.client.query(query).result_rows == [(True,)], table
    assert sums_agree(pipeline.client)


def test_what_ingest_has_not_stored_yet_is_left_to_it(world: World) -> None:
    pipeline = world.pipeline
    pipeline.send(request(CALL, trace_id=trace(1)))
    pipeline.producer.send(SPANS_TOPIC, request(CALL, trace_id=trace(2)))
    assert world.again().read.messages == 1
    pipeline.drain()
    assert pipeline.sums()["calls"] == 2
    assert sums_agree(pipeline.client)


def test_sums_of_days_whose_rows_have_expired_stay(world: World) -> None:
    pipeline = world.pipeline
    client = pipeline.client
    days = [NOW - 40 * DAY, NOW]
    calls = [request(CALL, trace_id=trace(n), start_time_unix_nano=at) for n, at in enumerate(days * 2, start=1)]
    pipeline.send(*calls)
    before = snapshot(client)["llm_rollups"]
    client.command(
        "ALTER TABLE llm_spans DELETE WHERE trace_id = {id:String}",
        parameters={"id": trace(1).hex()},
        settings={"mutations_sync": 2},
    )
    double_prices(client)
    # The bus does not have its message any more either.
    with closing(sqlite3.connect(world.bus.url.removeprefix("sqlite:///"))) as file:
        file.execute("DELETE FROM message WHERE place = 0")
        file.commit()
    outcome = world.again()
    expired = str(datetime.fromtimestamp(days[0] / 1e9, UTC).date())
    assert outcome.left == {expired}
    after = snapshot(client)["llm_rollups"]
    assert [row for row in after if str(row[1].date()) == expired] == [
        row for row in before if str(row[1].date()) == expired
    ]
    assert client.query("SELECT countIf(price_version = 'doubled') FROM llm_spans").result_rows == [(3,)]
    today = f"toDate(at) = '{datetime.fromtimestamp(NOW / 1e9, UTC).date()}'"
    by_day = "FROM llm_rollups WHERE resolution = 'day'"
    [(calls, cost)] = client.query(f"SELECT sum(calls), sum(cost) {by_day} AND {today}").result_rows
    [(old,)] = client.query(f"SELECT sum(cost) / 2 {by_day} AND NOT {today}").result_rows
    assert (calls, cost) == (2, old * 4)


def test_settled_requests_and_sessions_are_settled_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client, at_once = world.pipeline.client, load({}, settle_seconds=0, session_minutes=0)

    def settle() -> list[list[Any]]:
        settle_traces(client, at_once)
        settle_sessions(client, at_once)
        # Over all minutes: what is settled again may arrive in a later one, where it adds up to nothing.
        by_resolution = (
            "SELECT model, sum(requests), sum(settled_requests), sum(settled_sessions), sum(session_requests), "
            "mapFilter((k, v) -> v != 0, sumMap(request_cost)), mapFilter((k, v) -> v != 0, sumMap(session_cost)) "
            "FROM llm_rollups WHERE resolution = '{}' GROUP BY model ORDER BY ALL"
        )
        return [list(client.query(by_resolution.format(name)).result_rows) for name in ("hour", "arrival")]

    monkeypatch.setattr(traces, "_LATE", timedelta(0))
    step = {"gen_ai.operation.name": "invoke_workflow", "driftline.feature": "support"}
    world.pipeline.send(request(step, trace_id=trace(1)))
    answer = CALL | {"gen_ai.conversation.id": "s1"}
    world.pipeline.send(request(answer, trace_id=trace(1), span_id=b"call5678", parent_span_id=b"step5678"))
    before = settle()
    assert sum(row[2] for row in before[0]) == sum(row[3] for row in before[0]) == 1
    world.again()
    assert client.query("SELECT count() FROM llm_traces").result_rows == [(0,)]
    assert settle() == before
    assert settle() == before


def test_a_corrected_cost_is_not_counted_beside_the_price_of_a_replay(world: World) -> None:
    client = world.pipeline.client
    world.pipeline.send(request(CALL, trace_id=trace(1)))
    client.command(
        "INSERT INTO cost_corrections (trace_id, span_id, start, feature, model, cost, is_error, at) "
        "SELECT trace_id, span_id, start, feature, model, cost, true, now64(3) FROM llm_spans"
    )
    [(counted,)] = client.query("SELECT sum(cost) FROM llm_rollups WHERE resolution = 'day'").result_rows
    world.again()
    assert client.query("SELECT count() FROM cost_corrections").result_rows == [(0,)]
    assert client.query("SELECT sum(cost) * 2 FROM llm_rollups WHERE resolution = 'day'").result_rows == [(counted,)]


def test_whoever_was_purged_stays_purged(world: World) -> None:
    pipeline = world.pipeline
    client = pipeline.client
    for number in (1, 2):
        values = {**CALL, "user.id": f"user-{number}", "gen_ai.input.messages": f"secret-{number}"}
        child = request({"my.own": f"secret-{number}"}, trace_id=trace(number), span_id=b"child678")
        pipeline.send(request(values, trace_id=trace(number)), child)
    found = purge.find(client, Subject("user", "user-1"))
    purge.record(client, found, Subject("user", "user-1"), "tester", {})
    purge.carry_out(client, found)
    purge.forget(client, found)
    before = snapshot(client, "llm_rollups")
    world.again()
    assert snapshot(client, "llm_rollups") == before
    said = "SELECT groupUniqArray(user_id), countIf(attributes['my.own'] = 'secret-1'), countIf(input = 'secret-1')"
    assert client.query(f"{said} FROM llm_spans WHERE trace_id = '{trace(1).hex()}'").result_rows == [([""], 0, 0)]
    assert sums_agree(client)


def test_a_dry_run_tells_the_same_and_changes_nothing(world: World) -> None:
    pipeline = world.pipeline
    send_everything(pipeline)
    double_prices(pipeline.client)
    before = snapshot(pipeline.client)
    told = world.again(dry_run=True)
    assert snapshot(pipeline.client) == before
    assert not told.swapped
    done = world.again()
    assert done.figures == told.figures
    assert snapshot(pipeline.client) != before


class KilledError(Exception):
    """Stands for the death of the process."""


def test_a_swap_that_was_cut_off_is_completed_and_nobody_ingests_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = world.pipeline
    client = pipeline.client
    send_everything(pipeline)
    double_prices(client)
    done = 0

    def command(statement: str, *arguments: Any, **options: Any) -> Any:
        nonlocal done
        if " PARTITION ID " in statement:
            if done == 2:  # in the middle
                raise KilledError
            done += 1
        return type(client).command(client, statement, *arguments, **options)

    monkeypatch.setattr(client, "command", command)
    with pytest.raises(StoreError):
        world.again()
    monkeypatch.undo()
    assert unfinished(client)
    with pytest.raises(StoreError, match="cut off while it swapped tables; complete it first, with: driftline replay"):
        refuse_unfinished(client)
    assert complete(client)
    refuse_unfinished(client)
    assert not complete(client)
    assert sums_agree(client)
    versions = "SELECT DISTINCT price_version FROM llm_spans WHERE model = 'gpt-4o-mini'"
    assert client.query(versions).result_rows == [("doubled",)]
    after = snapshot(client)
    world.again()
    assert snapshot(client) == after


def test_a_replay_that_dies_before_the_swap_changes_nothing(world: World) -> None:
    pipeline = world.pipeline
    send_everything(pipeline)
    before = snapshot(pipeline.client)
    double_prices(pipeline.client)

    def die() -> None:
        raise KilledError

    for step in ("putting rows together", "swapping tables"):
        with pytest.raises(KilledError):
            world.again(progress=Steps(during={step: die}))
        assert snapshot(pipeline.client) == before
        refuse_unfinished(pipeline.client)
    assert world.again().swapped


def test_what_others_write_meanwhile_is_not_lost(world: World) -> None:
    pipeline = world.pipeline
    send_everything(pipeline)

    def write() -> None:
        pipeline.client.command(
            "INSERT INTO evaluations (trace_id, name, source, at) VALUES ('x', 'y', 'judge', now())"
        )

    with pytest.raises(StoreError, match="somebody wrote to evaluations, llm_rollups while the replay ran"):
        world.again(progress=Steps(during={"summing": write}))
    assert pipeline.client.query("SELECT count() FROM evaluations WHERE trace_id = 'x'").result_rows == [(1,)]


def test_a_replay_is_refused_while_ingest_or_the_judge_run(world: World) -> None:
    world.pipeline.send(request(CALL))
    world.stop()
    bus = world.bus
    for topic, group in ((SPANS_TOPIC, "ingest"), (LOGS_TOPIC, "ingest"), ("driftline_control", "judge")):
        member = bus.consumer(topic, group=group)
        assert member.assigned()
        with pytest.raises(BusError, match=f"{group} is running; stop it"):
            run.refuse_writers(bus)
        member.close()
    run.refuse_writers(bus)


def test_an_unfinished_batch_is_finished_by_ingest_first(world: World) -> None:
    pipeline = world.pipeline
    pipeline.producer.send(SPANS_TOPIC, request(CALL))
    assert pipeline.ingests[SPANS_TOPIC].consumer.take(max_bytes=10**6, timeout=5)
    with pytest.raises(BusError, match="left a batch of partition 0 of 'otlp_spans' unfinished"):
        world.again()


def test_ingest_goes_on_after_a_replay_and_a_redo_still_changes_nothing(world: World) -> None:
    pipeline = world.pipeline
    send_everything(pipeline)
    world.again()
    pipeline.producer.send(SPANS_TOPIC, request(CALL, trace_id=trace(20)))
    ingest = pipeline.ingests[SPANS_TOPIC]
    batch = ingest.consumer.take(max_bytes=10**6, timeout=5)
    assert batch is not None
    ingest._store(batch)
    after = snapshot(pipeline.client)
    ingest._store(batch)
    ingest.consumer.done(batch)
    assert snapshot(pipeline.client) == after
    assert sums_agree(pipeline.client)


def test_every_target_of_a_view_is_replayed_or_left_out_for_a_reason() -> None:
    replayed = {part.table for part in (*ROWS, *SUMS)}
    assert replayed | LEFT_OUT.keys() == {view.target for view in VIEWS} | {"cost_corrections"}
    fed = {source for view in VIEWS for source in view.sources if view.target in {sums.table for sums in SUMS}}
    assert fed == {rows.table for rows in ROWS if rows.event}


def test_no_view_of_a_replay_reads_or_writes_a_live_table() -> None:
    live = {part.table for part in (*ROWS, *SUMS)} | LEFT_OUT.keys() | {"otlp_traces", "otlp_logs"}
    for view in shadow.views():
        assert view.target not in live
        assert not view.sources & live
        assert view.sources


@pytest.mark.parametrize(("text", "ago"), [("90m", 5400), ("6h", 21600), ("2d", 172_800), ("1s", 1)])
def test_a_time_can_be_so_long_ago(text: str, ago: float) -> None:
    assert time.time() - moment(text) == pytest.approx(ago, abs=60)


def test_a_time_is_utc_unless_it_says_otherwise() -> None:
    assert moment("2026-11-20T08:00") == moment("2026-11-20T10:00+02:00") == 1_795_161_600
    for wrong in ("yesterday", "", "5", "h", "-5m"):
        with pytest.raises(DriftlineError, match="a time must look like"):
            moment(wrong)


@pytest.mark.slow
def test_the_command_replays_on_a_store_of_its_own(tmp_path: Path) -> None:
    settings = load({}, data_dir=str(tmp_path))
    with (
        running_store(tmp_path, prepared=True) as store,
        closing(store.client()) as client,
        open_bus(settings.bus_url) as bus,
    ):
        prepare(settings).close()
        with Pipeline.open(bus, client) as pipeline:
            pipeline.send(request(CALL))
        command = [sys.executable, "-m", "driftline_cli", "replay", "--from", "1h"]
        environ = os.environ | {"DRIFTLINE_DATA_DIR": str(tmp_path), "COLUMNS": "200"}
        said = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
        assert said.returncode == 0, said.stderr
        assert "1 messages read, 0 of them unreadable" in said.stdout
        assert said.stdout.endswith("swapped\n")
        assert client.query("SELECT count() FROM llm_spans").result_rows == [(1,)]
