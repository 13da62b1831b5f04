"""Calls that came before their model's price was known get their cost later, each once."""

from __future__ import annotations

import random
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.exceptions import Error as ClientError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.settings import Settings, load
from driftline_processors.otlp import TRACE_SCHEMA, frame, insert_settings
from driftline_processors.prices import backfill, preload, price_book, resolve_unseen
from processors_support import send, send_each, send_many
from store_fixtures import running_store, start_store

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client
    from store_fixtures import RunningStore

ENTRY = """\
prices:
  - provider: ours
    model: our-*
    input: 2
    cache_read: 0.5
    cache_write: 3
    output: 8
    tiers:
      - {above: 1000, input: 4}
"""

SUMS = """\
CREATE MATERIALIZED VIEW corrected_sums (
    month UInt32, cost SimpleAggregateFunction(sum, Decimal(38, 12)), calls SimpleAggregateFunction(sum, Int64)
)
ENGINE = AggregatingMergeTree PARTITION BY month ORDER BY month SETTINGS non_replicated_deduplication_window = 10000
AS SELECT toYYYYMM(start) AS month, sum(toDecimal128(cost, 12)) AS cost, count()::Int64 AS calls
FROM cost_corrections GROUP BY month"""
"""As the views of the sums read the corrections."""


def call(n: int = 100, *, output: int = 10, model: str = "our-7b", **usage: int) -> dict[str, str | int]:
    named = {f"gen_ai.usage.{name}.input_tokens": tokens for name, tokens in usage.items()}
    return {
        "gen_ai.provider.name": "ours",
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": n,
        "gen_ai.usage.output_tokens": output,
        **named,
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text("prices: []\n")
    return path


@pytest.fixture
def settings(file: Path) -> Settings:
    return load({}, prices_file=str(file))


def corrections(client: Client) -> dict[str, tuple[Decimal, str]]:
    rows = client.query("SELECT trace_id, cost, price_version FROM cost_corrections").result_rows
    found = {trace: (cost, version) for trace, cost, version in rows}
    assert len(found) == len(rows), "corrected more than once"
    return found


def costs(client: Client) -> dict[str, Decimal | None]:
    found: dict[str, Decimal | None] = dict(client.query("SELECT trace_id, cost FROM llm_spans").result_rows)  # type: ignore[arg-type]
    return found


def test_an_unknown_model_that_becomes_known_is_corrected_once(client: Client, settings: Settings, file: Path) -> None:
    preload(client, price_book(settings))
    traces = {*send_each(client, [(call(), datetime.now(UTC))] * 2)}
    resolve_unseen(client, price_book(settings))
    assert backfill(client, settings) == 0
    file.write_text(ENTRY)
    assert backfill(client, settings) == 2
    version = price_book(settings).quote("ours", "our-7b").version
    assert version.startswith("file:")
    assert corrections(client) == dict.fromkeys(traces, (Decimal("0.00028"), version))
    assert [backfill(client, settings) for _ in range(3)] == [0, 0, 0]
    assert len(corrections(client)) == 2
    later = send(client, call())
    assert costs(client)[later] == Decimal("0.00028")
    assert backfill(client, settings) == 0


def test_a_correction_says_what_the_call_was(client: Client, settings: Settings, file: Path) -> None:
    attributes = call() | {
        "driftline.feature": "search",
        "gen_ai.conversation.id": "s1",
        "driftline.prompt.name": "p",
        "driftline.prompt.version": "3",
    }
    send(client, attributes)
    file.write_text(ENTRY)
    assert backfill(client, settings) == 1
    shared = (
        "trace_id, span_id, start, service, environment, feature, model, prompt_name, prompt_version, provider, "
        "session_id, is_error"
    )
    span, correction = (
        client.query(f"SELECT {shared} FROM {t}").result_rows for t in ("llm_spans", "cost_corrections")
    )
    assert span == correction
    assert "s1" in span[0]


def test_the_cost_is_the_one_that_the_call_would_have_had(client: Client, settings: Settings, file: Path) -> None:
    random.seed(5)
    cached = ((0, 0), (500, 0), (0, 700), (600, 600), (7000, 1), (1000, 1))
    usages = [
        call(tokens, output=random.randrange(3000), cache_read=read, cache_creation=written)
        for tokens, (read, written) in zip((0, 999, 1000, 1001, 5000, 1000), cached, strict=True)
    ]
    early = send_each(client, [(usage, datetime.now(UTC)) for usage in usages])
    file.write_text(ENTRY)
    assert backfill(client, settings) == len(usages)
    late = send_each(client, [(usage, datetime.now(UTC)) for usage in usages])
    found, stored = corrections(client), costs(client)
    assert [found[trace][0] for trace in early] == [stored[trace] for trace in late]
    assert len({stored[trace] for trace in late}) == 6


def test_calls_of_unpriced_days_wait_for_a_price_of_their_day(client: Client, settings: Settings, file: Path) -> None:
    now = datetime.now(UTC)
    old, new = send_each(client, [(call(), now - timedelta(days=days)) for days in (70, 1)])
    since = f"{now - timedelta(days=30):%Y-%m-%d}"
    file.write_text(f"prices:\n  - {{model: our-7b, from: {since}, input: 1, output: 1}}\n")
    assert backfill(client, settings) == 1
    assert set(corrections(client)) == {new}
    assert backfill(client, settings) == 0
    file.write_text("prices:\n  - {model: our-7b, input: 1, output: 1}\n")
    assert backfill(client, settings) == 1
    assert set(corrections(client)) == {old, new}


def test_calls_without_usage_stay_unpriced(client: Client, settings: Settings, file: Path) -> None:
    send(client, {"gen_ai.provider.name": "ours", "gen_ai.response.model": "our-7b"})
    file.write_text(ENTRY)
    assert backfill(client, settings) == 0
    assert corrections(client) == {}
    assert client.query("SELECT model, calls FROM price_backfills").result_rows == [("our-7b", 1)]


def test_a_free_model_costs_nothing_which_is_not_unknown(client: Client, settings: Settings, file: Path) -> None:
    trace = send(client, call())
    file.write_text("prices:\n  - {model: '*', provider: ours, free: true}\n")
    assert backfill(client, settings) == 1
    assert corrections(client)[trace][0] == 0


def test_a_span_that_was_sent_twice_is_corrected_once(client: Client, settings: Settings, file: Path) -> None:
    trace = secrets.token_bytes(16)
    moment = datetime.now(UTC)
    for _ in range(2):
        send_many(client, [trace], call(), moment)
    client.command("INSERT INTO unpriced_calls SELECT * FROM unpriced_calls LIMIT 1")
    file.write_text(ENTRY)
    # Two spans of one trace, of which one stands there twice.
    assert backfill(client, settings) == 2
    rows = client.query("SELECT count(), uniqExact(span_id) FROM cost_corrections").result_rows
    assert rows == [(2, 2)]


def test_a_repeated_insert_leaves_one_unpriced_call(client: Client) -> None:
    spans = ExportTraceServiceRequest()
    span = spans.resource_spans.add().scope_spans.add().spans.add(name="chat", trace_id=b"t" * 16, span_id=b"s" * 8)
    for key, text in (("gen_ai.operation.name", "chat"), ("gen_ai.response.model", "our-7b")):
        span.attributes.add(key=key).value.string_value = text
    block = frame(spans.SerializeToString())
    for _ in range(2):
        settings = insert_settings(TRACE_SCHEMA, "one token")
        client.raw_insert("otlp_traces", insert_block=block, fmt="Protobuf", settings=settings)
    counts = "SELECT (SELECT count() FROM unpriced_calls), (SELECT sum(calls) FROM unpriced_models)"
    assert client.query(counts).result_rows == [(1, 1)]


def test_calls_of_several_months_and_more_than_one_batch(
    client: Client, settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftline_processors.prices.corrections.MOST_ROWS", 16)
    now = datetime.now(UTC)
    for days in (0, 40, 41, 80, 300):
        send_many(client, [secrets.token_bytes(16) for _ in range(20)], call(), now - timedelta(days=days))
    file.write_text(ENTRY)
    assert backfill(client, settings) == 100
    assert len(corrections(client)) == 100
    batches = client.query("SELECT max(batch), count(DISTINCT toYYYYMM(start)) FROM cost_corrections").result_rows
    assert batches[0][0] > 3
    assert batches[0][1] >= 3


def test_calls_that_come_meanwhile_are_corrected_too(
    client: Client, embedded_store: RunningStore, settings: Settings, file: Path
) -> None:
    stop = threading.Event()

    def keep_sending() -> int:
        own, sent = embedded_store.client(), 0
        while not stop.is_set():
            send_many(own, [secrets.token_bytes(16) for _ in range(20)], call())
            sent += 20
        own.close()
        return sent

    with ThreadPoolExecutor(2) as pool:
        senders = [pool.submit(keep_sending) for _ in range(2)]
        while not costs(client):
            time.sleep(0.01)
        file.write_text(ENTRY)
        for _ in range(5):
            backfill(client, settings)
        stop.set()
        sent = sum(sender.result() for sender in senders)
    backfill(client, settings)
    stored = costs(client)
    assert len(stored) == sent
    assert set(corrections(client)) == {trace for trace, cost in stored.items() if cost is None}


def test_two_at_once_correct_each_call_once(
    client: Client, embedded_store: RunningStore, settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftline_processors.prices.corrections.MOST_ROWS", 16)
    now = datetime.now(UTC)
    for days in (0, 40):
        send_many(client, [secrets.token_bytes(16) for _ in range(64)], call(), now - timedelta(days=days))
    file.write_text(ENTRY)
    preload(client, price_book(settings))
    together = threading.Barrier(3)

    def run() -> None:
        own = embedded_store.client()
        together.wait()
        for _ in range(3):
            backfill(own, settings)
        own.close()

    with ThreadPoolExecutor(3) as pool:
        for task in [pool.submit(run) for _ in range(3)]:
            task.result()
    backfill(client, settings)
    assert len(corrections(client)) == 128


def test_what_died_before_it_was_noted_is_not_repeated(
    client: Client, settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces = {*send_each(client, [(call(), datetime.now(UTC))] * 3)}
    file.write_text(ENTRY)
    with monkeypatch.context() as patch:
        patch.setattr(type(client), "insert", _dying(type(client).insert, "price_backfills"))
        with pytest.raises(RuntimeError):
            backfill(client, settings)
    assert set(corrections(client)) == traces
    assert backfill(client, settings) == 0
    assert set(corrections(client)) == traces
    assert client.query("SELECT calls FROM price_backfills").result_rows == [(3,)]


def _dying(insert: object, table: str) -> object:
    def die(self: object, into: str, *arguments: object, **named: object) -> object:
        if into == table:
            raise RuntimeError("killed")
        return insert(self, into, *arguments, **named)  # type: ignore[operator]

    return die


def test_a_wrong_file_leaves_the_prices_in_force(
    client: Client, settings: Settings, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(ENTRY)
    send(client, call())
    assert backfill(client, settings) == 1
    file.write_text("prices: [{model: our-7b, input: dear}]")
    assert backfill(client, settings) == 0
    assert backfill(client, settings) == 0
    assert caplog.text.count("line 1, column 33: price of 'our-7b': 'input' must be a number") == 1
    later = send(client, call())
    assert costs(client)[later] == Decimal("0.00028")


@pytest.mark.slow
def test_kill_nine_of_the_store_loses_and_doubles_nothing(
    tmp_path: Path, settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftline_processors.prices.corrections.MOST_ROWS", 16)
    path = tmp_path / "data"
    with running_store(path, prepared=True) as store:
        client = store.client()
        client.command(SUMS)
        now = datetime.now(UTC)
        for days in (0, 40, 80):
            send_many(client, [secrets.token_bytes(16) for _ in range(64)], call(), now - timedelta(days=days))
        client.close()
        store.kill()
    file.write_text(ENTRY)
    kills = 0
    while True:
        store = start_store(path)
        client = store.client()
        # Each time a little later, so that a slow machine comes to an end too.
        killer = threading.Timer(random.uniform(0.5, 1.2) * 1.3**kills, store.kill)
        killer.start()
        try:
            backfill(client, settings)
            if not backfill(client, settings):
                killer.cancel()
                break
        except ClientError:
            kills += 1
        finally:
            client.close()
            killer.join()
    try:
        client = store.client()
        assert len(corrections(client)) == 192
        assert client.query("SELECT sum(calls), sum(cost) FROM corrected_sums").result_rows == [
            (192, 192 * Decimal("0.00028"))
        ]
        client.close()
    finally:
        store.stop()
    assert kills > 0
