"""The judge as a process: from spans in the store to scores in the sums per minute."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from driftline.bus import open_bus
from driftline.settings import Settings, load
from driftline_processors.ingest_worker import Worker
from driftline_processors.judge.stored import JudgementTarget
from driftline_processors.judge.worker import run
from ingest_support import captured, captured_logs
from judge_support import KEY, error, verdict
from processors_support import enqueue, send, send_bytes, send_log_bytes, send_many, set_rate
from store_fixtures import start_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from driftline_store.client import Client
    from judge_support import Endpoint
    from store_fixtures import RunningStore

SPAN = {
    "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}]',
    "gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "Because {trace}."}]}]',
    "driftline.feature": "chat",
    "gen_ai.response.model": "gpt-4o-mini",
}


@contextlib.contextmanager
def running(part: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    failed: list[BaseException] = []

    def target() -> None:
        try:
            part(stop)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
            failed.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


KILLS = int(os.environ.get("DRIFTLINE_TEST_KILLS", "2"))
"""Rounds of ``kill -9``; with 50 it takes some minutes."""


def judging(settings: Settings) -> contextlib.AbstractContextManager[None]:
    """A judge's process."""
    return running(partial(run, settings))


@contextlib.contextmanager
def storing(settings: Settings) -> Iterator[None]:
    """The part of ingest that stores judgements."""
    with open_bus(settings.bus_url) as bus, running(lambda stop: Worker(JudgementTarget(), bus, settings, stop).run()):
        yield


@pytest.fixture
def settings(embedded_store: RunningStore, endpoint: Endpoint, tmp_path: Path) -> Iterator[Settings]:
    """Of a judge, whose judgements are stored meanwhile."""
    found = load(
        {},
        data_dir=str(embedded_store.path),
        bus=f"sqlite:///{tmp_path / 'bus.db'}",
        judge_rate=1.0,
        judge_api_key=KEY,
        judge_base_url=endpoint.url,
        judge_concurrency=3,
    )
    with storing(found):
        yield found


def wait_for(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


SUMS = (
    "SELECT (SELECT sum(judged) FROM llm_rollups WHERE resolution = 'day'), "
    "(SELECT sum(judged) FROM judged_rollups WHERE resolution = 'day')"
)


def evaluations(client: Client) -> list[dict[str, Any]]:
    return list(client.query("SELECT * FROM evaluations ORDER BY at").named_results())


def rate(client: Client) -> float:
    rows = client.query("SELECT rate FROM judge_plan FINAL WHERE active").result_rows
    return float(rows[0][0]) if rows else 0.0


def test_scores_reach_the_rollup(client: Client, settings: Settings, endpoint: Endpoint) -> None:
    endpoint.script(error(429), verdict(9, "Right."))
    judged_sum = "SELECT sum(judged) FROM llm_rollups WHERE resolution = 'day'"
    with judging(settings):
        wait_for(lambda: rate(client) == 1.0)
        ids = [os.urandom(16) for _ in range(5)]
        send_many(client, ids, SPAN)
        traces = {one.hex() for one in ids}
        # The sums come after the rows that they are made of, within the same insert.
        wait_for(lambda: client.query(judged_sum).result_rows == [(5,)])
    rows = evaluations(client)
    assert {row["trace_id"] for row in rows} == traces
    for row in rows:
        assert (row["score"], row["label"], row["explanation"]) == (0.9, "pass", "Right.")
        assert (row["name"], row["source"], row["error"]) == ("quality", "judge", "")
        assert (row["feature"], row["model"], row["inclusion_probability"]) == ("chat", "gpt-4o-mini", 1.0)
        assert row["evaluator"].startswith("quality 1 gpt-4o-mini-2024-07-18 "), "the model that answered is part of it"
        assert row["cost"] == Decimal("0.000165")
    starts = client.query("SELECT trace_id, start FROM llm_spans").result_rows
    assert {(row["trace_id"], row["request_start"]) for row in rows} == set(starts)
    sums = (
        "SELECT sum(judged), sum(judge_failures), sum(judged_ws), sum(judge_cost), sum(requests) "
        "FROM llm_rollups WHERE resolution = 'day'"
    )
    [(judged, failures, weighted, cost, requests)] = client.query(sums).result_rows
    assert (judged, failures, cost, requests) == (5, 0, 5 * Decimal("0.000165"), 5)
    assert weighted == pytest.approx(4.5)
    assert all(request["key"] == f"Bearer {KEY}" for request in endpoint.requests)


@pytest.mark.parametrize("is_first", [True, False], ids=["events first", "request first"])
@pytest.mark.parametrize("instrumentation", ["otel-genai-openai-1.3b0-event_only", "otel-openai-v2-2.4b0-latest"])
def test_what_was_said_only_in_log_events_is_judged(
    client: Client, settings: Settings, endpoint: Endpoint, instrumentation: str, *, is_first: bool
) -> None:
    set_rate(client, 1.0)
    if is_first:
        send_log_bytes(client, captured_logs(instrumentation, "chat"))
    send_bytes(client, captured(instrumentation, "chat"))
    with judging(settings):
        if not is_first:
            wait_for(lambda: client.query("SELECT count() FROM judge_queue").result_rows == [(1,)])
            time.sleep(3)  # longer than the queue lets its rows settle
            send_log_bytes(client, captured_logs(instrumentation, "chat"))
        wait_for(lambda: len(evaluations(client)) == 1)
    assert [(row["score"], row["error"]) for row in evaluations(client)] == [(0.9, "")]
    asked = str(endpoint.requests[0]["messages"])
    assert "What is the capital of France?" in asked
    assert "Paris is the capital of France." in asked


def test_failures_are_stored_and_counted(
    client: Client, settings: Settings, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.script(error(401, "invalid_api_key"))
    set_rate(client, 1.0)
    send(client, SPAN)
    enqueue(client, output="", age=40)
    with caplog.at_level("INFO"), judging(settings):
        wait_for(lambda: len(evaluations(client)) == 2)
    assert sorted((row["error"], row["score"], row["label"]) for row in evaluations(client)) == [
        ("authentication", None, ""),
        ("no content", None, ""),
    ]
    assert client.query(
        "SELECT sum(judged), sum(judge_failures) FROM llm_rollups WHERE resolution = 'day'"
    ).result_rows == [(0, 2)]
    assert "authentication (HTTP status 401)" in caplog.text
    assert KEY not in caplog.text


def test_without_a_key_nothing_is_judged_or_queued(
    client: Client, settings: Settings, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    set_rate(client, 1.0)
    with judging(Settings({**settings.values, "judge_api_key": ""})):
        wait_for(lambda: rate(client) == 0.0)
        send(client, SPAN)
        time.sleep(1)
    assert client.query("SELECT count() FROM judge_queue").result_rows == [(0,)]
    assert endpoint.requests == []
    assert [record.getMessage() for record in caplog.records if "judging is off" in record.getMessage()]


def test_two_judges_judge_everything_once(client: Client, settings: Settings, endpoint: Endpoint) -> None:
    set_rate(client, 1.0)
    with judging(settings), judging(settings):
        send_many(client, [os.urandom(16) for _ in range(10)], SPAN)
        wait_for(lambda: len(evaluations(client)) == 10)
        time.sleep(1)
    assert len(evaluations(client)) == len(endpoint.requests) == 10


@pytest.mark.kafka
def test_judges_share_the_work_over_kafka(
    client: Client, settings: Settings, endpoint: Endpoint, kafka_url: str
) -> None:
    set_rate(client, 1.0)
    apart = Settings({**settings.values, "bus": kafka_url})
    with judging(apart), judging(apart), storing(apart):
        send_many(client, [os.urandom(16) for _ in range(20)], SPAN)
        wait_for(lambda: len(evaluations(client)) == 20)
        time.sleep(1)
    assert len({row["trace_id"] for row in evaluations(client)}) == len(evaluations(client)) == 20
    # A change of leaders meanwhile can have something judged twice; see docs/sampling.md.
    assert len(endpoint.requests) <= 20 + 2 * settings.judge_concurrency


def test_another_one_goes_on_where_the_first_stopped(client: Client, settings: Settings, endpoint: Endpoint) -> None:
    slow = verdict()
    slow.seconds = 0.3
    endpoint.script(slow)
    set_rate(client, 1.0)
    send_many(client, [os.urandom(16) for _ in range(15)], SPAN)
    with judging(settings):
        wait_for(lambda: len(evaluations(client)) >= 3)
    with judging(settings):
        wait_for(lambda: len(evaluations(client)) >= 15)
        time.sleep(1)
    assert len({row["trace_id"] for row in evaluations(client)}) == len(evaluations(client)) == 15
    # What was under way was not finished.
    assert len(endpoint.requests) <= 15 + settings.judge_concurrency


@pytest.mark.slow
def test_a_store_that_was_away(settings: Settings, endpoint: Endpoint, tmp_path: Path) -> None:
    slow = verdict()
    slow.seconds = 0.2
    endpoint.script(slow)
    store = start_store(tmp_path, prepared=True)
    elsewhere = {"data_dir": str(tmp_path), "bus": f"sqlite:///{tmp_path / 'other.db'}"}
    apart = Settings({**settings.values, **elsewhere})
    try:
        with judging(apart), storing(apart):
            client = store.client()
            wait_for(lambda: rate(client) == 1.0)
            send_many(client, [os.urandom(16) for _ in range(20)], SPAN)
            wait_for(lambda: len(evaluations(client)) >= 5)
            client.close()
            store.kill()
            time.sleep(1)
            store = start_store(tmp_path)
            client = store.client()
            wait_for(lambda: len(evaluations(client)) >= 20, 60)
            # The sums come after the rows that they are made of, within the same insert.
            wait_for(lambda: client.query(SUMS).result_rows == [(20, 20)])
            assert len({row["trace_id"] for row in evaluations(client)}) == len(evaluations(client)) == 20
            client.close()
    finally:
        store.stop()


@pytest.mark.slow
@pytest.mark.timeout(60 + 30 * KILLS)
def test_killed_judges_judge_nothing_twice(client: Client, settings: Settings, endpoint: Endpoint) -> None:
    slow = verdict()
    slow.seconds = 0.2
    endpoint.script(slow)
    set_rate(client, 1.0)
    answers = 30 * KILLS
    send_many(client, [os.urandom(16) for _ in range(answers)], SPAN)
    environ = os.environ | {f"DRIFTLINE_{name.upper()}": str(value) for name, value in settings.values.items()}
    for _ in range(KILLS):
        process = subprocess.Popen([sys.executable, "-m", "driftline_cli", "judge"], env=environ)
        before = len(endpoint.requests)
        wait_for(lambda before=before: len(endpoint.requests) >= before + 10, 60)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait()
    with judging(settings):
        wait_for(lambda: len(evaluations(client)) >= answers, 60 + 5 * KILLS)
        time.sleep(1)
    assert len({row["trace_id"] for row in evaluations(client)}) == len(evaluations(client)) == answers
    assert client.query(SUMS).result_rows == [(answers, answers)]
    # Each kill loses what was under way, and nothing else that was paid for.
    repeated = len(endpoint.requests) - answers
    print(f"{KILLS} kills, {answers} scores, {repeated} paid calls repeated")
    assert repeated <= KILLS * settings.judge_concurrency
