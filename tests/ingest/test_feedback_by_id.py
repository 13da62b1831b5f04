"""Feedback that names its request by an id alone finds it, whichever comes first, and is filed once."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from driftline.settings import load
from driftline_processors.matching import match_pending
from driftline_processors.matching.ledger import Ledger
from driftline_processors.matching.match import NO_ID, NOT_FOUND
from driftline_store.failures import StoreUnavailableError
from made_events import thumb
from made_spans import SPAN, TRACE, request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftline_store.client import Client
    from ingest_support import Pipeline

SETTINGS = load({})
REQUEST = {"driftline.feature": "support", "gen_ai.response.model": "gpt-4o-mini", "gen_ai.response.id": "chatcmpl-7"}
DAYS = 24 * 3600 * 10**9
BY_ANY_ID: dict[str, Callable[[bytes, dict[str, str]], bytes]] = {
    "span": lambda trace, _: thumb(trace_id=trace, span_id=SPAN),
    "trace": lambda trace, _: thumb(trace_id=trace),
    "response": lambda _, response: thumb(response),
    "trace and a span of no model": lambda trace, _: thumb(trace_id=trace, span_id=b"unstored"),
    "response and zeros": lambda _, response: thumb(response, trace_id=bytes(16), span_id=bytes(8)),
}
"""Feedback on a request, by what names it: its trace or the id of its response."""


def requests_and_feedback(started: int) -> tuple[list[bytes], list[bytes]]:
    """A request for each way to name one, in an order of its own, and the feedback on it."""
    spans, opinions = [], []
    for number, (way, opinion) in enumerate(BY_ANY_ID.items(), start=1):
        trace, response = bytes([number] * 16), {"gen_ai.response.id": f"response to {way}"}
        values = {**REQUEST, **response, "driftline.feature": way}
        spans.append(request(values, trace_id=trace, start_time_unix_nano=started))
        opinions.append(opinion(trace, response))
    return spans, opinions


def evaluations(pipeline: Pipeline) -> list[dict[str, Any]]:
    return pipeline.rows("SELECT * FROM evaluations")


def thumbs(pipeline: Pipeline) -> int:
    return int(pipeline.sums()["thumbs_up"])


def an_hour_later(pipeline: Pipeline) -> None:
    pipeline.client.command("DELETE FROM matching_steps WHERE step != 'stored'")


def outcomes(pipeline: Pipeline) -> list[str]:
    return [row["reason"] for row in pipeline.rows("SELECT reason FROM evaluations_matched ORDER BY reason")]


@pytest.mark.parametrize("is_first", [True, False], ids=["feedback first", "request first"])
def test_feedback_finds_its_request_whichever_comes_first(pipeline: Pipeline, *, is_first: bool) -> None:
    started = time.time_ns() - 60 * 10**9
    spans, opinions = requests_and_feedback(started)
    if is_first:
        pipeline.send_logs(*opinions)
        assert match_pending(pipeline.client, SETTINGS) == 0
    pipeline.send(*spans)
    if not is_first:
        pipeline.send_logs(*opinions)
    assert evaluations(pipeline) == []
    assert match_pending(pipeline.client, SETTINGS) == len(BY_ANY_ID)
    found = sorted((row["trace_id"], row["feature"]) for row in evaluations(pipeline))
    assert found == [(bytes([number] * 16).hex(), way) for number, way in enumerate(BY_ANY_ID, start=1)]
    for row in evaluations(pipeline):
        assert (row["model"], row["name"], row["label"]) == ("gpt-4o-mini", "user_feedback", "thumbs_up")
        assert (row["score"], row["source"], row["cost"], row["service"]) == (1.0, "human", None, "")
        assert row["span_id"] == SPAN.hex()
        assert row["request_start"] == datetime.fromtimestamp(started // 10**9, UTC) + timedelta(
            microseconds=started % 10**9 // 1000
        )
    assert thumbs(pipeline) == len(BY_ANY_ID)
    assert match_pending(pipeline.client, SETTINGS) == 0
    assert thumbs(pipeline) == len(BY_ANY_ID)


def test_requests_of_days_ago_are_found(pipeline: Pipeline) -> None:
    spans, opinions = requests_and_feedback(time.time_ns() - 5 * DAYS)
    pipeline.send(*spans)
    pipeline.send_logs(*opinions)
    assert match_pending(pipeline.client, SETTINGS) == len(BY_ANY_ID)
    ages = pipeline.rows("SELECT feature, toDate(now()) - toDate(request_start) AS days FROM evaluations")
    assert {row["feature"]: row["days"] for row in ages} == dict.fromkeys(BY_ANY_ID, 5)


def test_requests_older_than_that_are_not(pipeline: Pipeline) -> None:
    pipeline.send(request(REQUEST, start_time_unix_nano=time.time_ns() - 9 * DAYS))
    pipeline.send_logs(thumb(trace_id=TRACE))
    assert match_pending(pipeline.client, SETTINGS) == 0
    an_hour_later(pipeline)
    assert match_pending(pipeline.client, load({}, match_days=9)) == 1


def test_feedback_that_says_where_it_belongs_is_filed_at_once(pipeline: Pipeline) -> None:
    pipeline.send_logs(thumb({"driftline.feature": "support"}), thumb({"driftline.request.start_time_unix_nano": 1}))
    assert len(evaluations(pipeline)) == 2
    assert pipeline.rows("SELECT * FROM evaluations_pending") == []


CALL = {"gen_ai.response.id": "chatcmpl-7", "gen_ai.response.model": "gpt-4o"}


def call(span_id: bytes = b"the call", values: Mapping[str, Any] | None = None) -> bytes:
    return request({**CALL, **(values or {})}, span_id=span_id, parent_span_id=SPAN, name="chat gpt-4o")


@pytest.mark.parametrize(
    "feedback",
    [thumb(trace_id=TRACE, span_id=b"the call"), thumb({"gen_ai.response.id": "chatcmpl-7"}), thumb(trace_id=TRACE)],
    ids=["span", "response", "trace"],
)
def test_feedback_on_a_call_is_filed_under_its_request_which_is_waited_for(pipeline: Pipeline, feedback: bytes) -> None:
    pipeline.send(call())
    pipeline.send_logs(feedback)
    assert match_pending(pipeline.client, SETTINGS) == 0
    started = time.time_ns() - 5 * 10**9
    pipeline.send(request({**REQUEST, "gen_ai.operation.name": "invoke_agent"}, start_time_unix_nano=started))
    assert match_pending(pipeline.client, SETTINGS) == 1
    [row] = evaluations(pipeline)
    assert (row["feature"], row["model"]) == ("support", "gpt-4o-mini")
    assert row["request_start"].timestamp() == pytest.approx(started / 1e9, abs=1e-5)


def stored_span(client: Client, **values: Any) -> None:
    """A span that arrived five minutes ago."""
    now = datetime.now(UTC)
    row = {"trace_id": TRACE.hex(), "start": now, "arrived": now - timedelta(minutes=5), "is_call": True, **values}
    client.insert("llm_spans", [list(row.values())], column_names=list(row))


def test_a_trace_without_a_request_is_taken_by_its_first_call_once_it_has_settled(pipeline: Pipeline) -> None:
    now = datetime.now(UTC)
    stored_span(pipeline.client, span_id="second", parent_span_id="handler", feature="b", start=now)
    stored_span(
        pipeline.client, span_id="first", parent_span_id="handler", feature="a", start=now - timedelta(seconds=9)
    )
    stored_span(pipeline.client, span_id="handler", is_call=False, feature="")
    pipeline.send_logs(thumb(trace_id=TRACE), thumb(trace_id=TRACE, span_id=b"handler"))
    assert match_pending(pipeline.client, SETTINGS) == 2
    assert [(row["span_id"], row["feature"]) for row in evaluations(pipeline)] == [("first", "a")] * 2


def test_an_event_from_within_a_web_handler_goes_by_its_response(pipeline: Pipeline) -> None:
    handler = b"feedback-handler"
    other = request({"driftline.feature": "classify a comment"}, trace_id=handler, parent_span_id=b"webspan1")
    web = request({"gen_ai.operation.name": ""}, trace_id=handler, span_id=b"webspan1", name="POST /feedback")
    pipeline.send_logs(thumb({"gen_ai.response.id": "chatcmpl-7"}, trace_id=handler, span_id=b"webspan1"))
    pipeline.send(web, other)
    assert match_pending(pipeline.client, SETTINGS) == 0
    pipeline.send(request(REQUEST))
    assert match_pending(pipeline.client, SETTINGS) == 1
    assert [row["trace_id"] for row in evaluations(pipeline)] == [TRACE.hex()]


def test_of_responses_with_the_same_id_the_newest_is_meant(pipeline: Pipeline) -> None:
    for age in (2, 1, 3):
        pipeline.send(request(REQUEST, trace_id=bytes([age] * 16), start_time_unix_nano=time.time_ns() - age * 10**9))
    pipeline.send_logs(thumb({"gen_ai.response.id": "chatcmpl-7"}))
    assert match_pending(pipeline.client, SETTINGS) == 1
    assert [row["trace_id"] for row in evaluations(pipeline)] == ["01" * 16]


def test_what_is_not_found_in_time_is_given_up_and_kept(pipeline: Pipeline) -> None:
    unknown = {"gen_ai.response.id": "nobody's", "gen_ai.evaluation.explanation": "It is rude."}
    pipeline.send_logs(thumb(unknown), thumb(), thumb(trace_id=b"an unknown trace"))
    assert match_pending(pipeline.client, SETTINGS) == 0
    assert outcomes(pipeline) == [NO_ID]
    an_hour_later(pipeline)
    assert match_pending(pipeline.client, load({}, match_days=0)) == 0
    assert outcomes(pipeline) == [NO_ID, NOT_FOUND, NOT_FOUND]
    assert evaluations(pipeline) == []
    kept = pipeline.rows(
        "SELECT service, explanation, reason FROM evaluations_pending INNER JOIN evaluations_matched USING (id) "
        "WHERE response_id = 'nobody\\'s'"
    )
    assert kept == [{"service": "elsewhere", "explanation": "It is rude.", "reason": NOT_FOUND}]
    pipeline.send(request(REQUEST, trace_id=b"an unknown trace"))
    assert match_pending(pipeline.client, SETTINGS) == 0


def wait(client: Client, age: timedelta, **values: Any) -> None:
    """An event that has waited for some time."""
    row = {"id": uuid.uuid4(), "arrived": datetime.now(UTC) - age, "label": "thumbs_up", "source": "human", **values}
    client.insert("evaluations_pending", [list(row.values())], column_names=list(row))


def test_old_events_are_looked_for_once_an_hour(pipeline: Pipeline) -> None:
    wait(pipeline.client, timedelta(days=6), response_id="chatcmpl-7")
    assert match_pending(pipeline.client, SETTINGS) == 0
    pipeline.send(request(REQUEST))
    assert match_pending(pipeline.client, SETTINGS) == 0
    an_hour_later(pipeline)
    assert match_pending(pipeline.client, SETTINGS) == 1


def test_events_that_outlived_their_time_while_nobody_looked_are_given_up(pipeline: Pipeline) -> None:
    columns = ["step", "at"]
    pipeline.client.insert("matching_steps", [["hourly", datetime.now(UTC) - timedelta(days=30)]], column_names=columns)
    wait(pipeline.client, timedelta(days=20), response_id="chatcmpl-7")
    wait(pipeline.client, timedelta(days=1), response_id="chatcmpl-7")
    assert match_pending(pipeline.client, SETTINGS) == 0
    assert outcomes(pipeline) == [NOT_FOUND]


def test_with_nothing_waiting_nothing_is_written(pipeline: Pipeline) -> None:
    pipeline.send(request(REQUEST))
    assert match_pending(pipeline.client, SETTINGS) == 0
    assert pipeline.rows("SELECT * FROM matching_steps") == []


def test_two_thumbs_are_two_even_when_they_say_the_same(pipeline: Pipeline) -> None:
    feedback = thumb(trace_id=TRACE)
    pipeline.send(request(REQUEST))
    pipeline.send_logs(feedback, feedback)
    pipeline.send_logs(feedback)
    assert match_pending(pipeline.client, SETTINGS) == 3
    assert thumbs(pipeline) == 3


def test_a_redo_of_ingest_is_no_second_event(pipeline: Pipeline) -> None:
    ingest = pipeline.ingests["otlp_logs"]
    pipeline.producer.send("otlp_logs", thumb(trace_id=TRACE))
    batch = ingest.consumer.take(max_bytes=1_000_000, timeout=1)
    assert batch is not None
    ingest._store(batch)
    ingest._store(batch)
    assert len(pipeline.rows("SELECT * FROM evaluations_pending")) == 1


class Killed(BaseException):
    """As if the process ended here."""


@pytest.mark.parametrize("moment", ["before the rows", "within their sums", "before the note"])
def test_a_kill_within_a_batch_loses_and_doubles_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    pipeline.send(request(REQUEST))
    pipeline.send_logs(thumb(trace_id=TRACE), thumb({"gen_ai.response.id": "chatcmpl-7"}))
    finish = Ledger.finish

    def cut(ledger: Ledger, batch: int) -> None:
        if moment == "within their sums":
            ledger.client.command("DETACH TABLE evaluations_to_rollups")
        if moment != "before the rows":
            finish(ledger, batch)
        if moment == "within their sums":
            ledger.client.command("ATTACH TABLE evaluations_to_rollups")
        ledger.client.command("TRUNCATE TABLE matching_steps")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "finish", cut)
        with pytest.raises(Killed):
            match_pending(pipeline.client, SETTINGS)
    assert thumbs(pipeline) == (2 if moment == "before the note" else 0)
    # What comes meanwhile does not join the batch that is repeated.
    pipeline.send_logs(thumb(trace_id=TRACE))
    assert match_pending(pipeline.client, SETTINGS) == 1
    assert thumbs(pipeline) == len(evaluations(pipeline)) == 3


def test_a_replaced_process_that_claims_late_changes_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline.send(request(REQUEST))
    pipeline.send_logs(thumb(trace_id=TRACE))
    claim = Ledger.claim

    def overtaken(ledger: Ledger, batch: int, found: Any) -> bool:
        monkeypatch.setattr(Ledger, "claim", claim)
        pipeline.send_logs(thumb(trace_id=TRACE))
        assert match_pending(pipeline.client, SETTINGS) == 2
        return claim(ledger, batch, found)

    monkeypatch.setattr(Ledger, "claim", overtaken)
    with caplog.at_level("INFO"):
        assert match_pending(pipeline.client, SETTINGS) == 0
    assert "another process" in caplog.text
    assert thumbs(pipeline) == len(evaluations(pipeline)) == 2


def test_a_store_that_goes_away_within_an_insert_is_no_loss(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.send(request(REQUEST))
    pipeline.send_logs(thumb(trace_id=TRACE))
    claim = Ledger.claim

    def unanswered(ledger: Ledger, batch: int, found: Any) -> bool:
        claim(ledger, batch, found)
        raise StoreUnavailableError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "claim", unanswered)
        with pytest.raises(StoreUnavailableError):
            match_pending(pipeline.client, SETTINGS)
    assert match_pending(pipeline.client, SETTINGS) == 0
    assert thumbs(pipeline) == len(evaluations(pipeline)) == 1


def test_several_at_once_file_each_event_once(pipeline: Pipeline) -> None:
    pipeline.send(request(REQUEST))
    failures: list[BaseException] = []
    ended = threading.Event()

    def work() -> None:
        try:
            while not ended.is_set():
                match_pending(pipeline.client, SETTINGS)
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        pipeline.send_logs(thumb(trace_id=TRACE), thumb({"gen_ai.response.id": "chatcmpl-7"}))
    ended.set()
    for thread in threads:
        thread.join()
    assert failures == []
    match_pending(pipeline.client, SETTINGS)
    assert thumbs(pipeline) == len(evaluations(pipeline)) == 20


def test_ten_thousand_at_once(pipeline: Pipeline) -> None:
    client = pipeline.client
    client.command(
        "INSERT INTO llm_spans (trace_id, span_id, start, arrived, feature, response_id, is_request, is_call) "
        "SELECT lower(hex(MD5(toString(number)))), toString(number), now() - number % 86400, now(), 'bulk', "
        "'r' || toString(number), true, true FROM numbers(10000)"
    )
    client.command(
        "INSERT INTO evaluations_pending (id, arrived, trace_id, response_id, source, label) "
        "SELECT generateUUIDv4(), now64(3), if(number % 2 = 0, lower(hex(MD5(toString(number)))), ''), "
        "if(number % 2 = 1, 'r' || toString(number), ''), 'human', 'thumbs_up' FROM numbers(11000)"
    )
    assert match_pending(client, SETTINGS) == 10_000
    assert thumbs(pipeline) == 10_000
    [row] = pipeline.rows(
        "SELECT count() AS n, uniqExact(trace_id, span_id) AS distinct, "
        "countIf((trace_id, request_start) IN (SELECT trace_id, start FROM llm_spans)) AS right FROM evaluations"
    )
    assert row == {"n": 10_000, "distinct": 10_000, "right": 10_000}
    assert match_pending(client, SETTINGS) == 0
