"""Feedback given by another process than the one that answered, days later: over a bus, with every kind of name."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC, open_bus
from driftline.settings import load
from driftline_processors.matching import match_pending
from ingest_support import Pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client

ANSWERS = """\
import sys, time
from types import SimpleNamespace
import driftline
from collector_support import chat_body
from driftline import observed

three_days_ago = time.time_ns() - 3 * 24 * 3600 * 10**9
observed.time = SimpleNamespace(time_ns=lambda: three_days_ago, perf_counter_ns=time.perf_counter_ns)
driftline.init(bus=sys.argv[1], service_name="shop", environment="production")

@driftline.observe(feature="support", prompt_name="answer", prompt_version="v3")
def answer(question):
    handle = driftline.current()
    print(handle.trace_id, handle.span_id, handle)
    return chat_body(id="chatcmpl-from-a")

answer("Where is my parcel?")
assert driftline.flush(10)
"""

GIVES = """\
import sys
import driftline

driftline.init(bus=sys.argv[1], service_name="feedback-form")
token, trace_id, response_id = sys.argv[2:]
driftline.feedback(token, thumbs_up=True)
driftline.feedback(trace_id=trace_id, report="wrong", comment="The window is 30 days.")
driftline.feedback(response_id=response_id, score=0.25, name="helpfulness")
driftline.feedback(response_id=response_id, comment="Thank you!")
assert driftline.flush(10)
"""


def python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    environ = {"PYTHONPATH": ":".join(sys.path)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60).stdout


def raw_event(trace_id: str, span_id: str) -> bytes:
    """What a stock OpenTelemetry logger sends that knows nothing of Driftline."""
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    judged = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(1))
    provider.get_logger("forms").emit(
        LogRecord(
            event_name="gen_ai.evaluation.result",
            context=set_span_in_context(NonRecordingSpan(judged)),
            attributes={"gen_ai.evaluation.name": "stars", "gen_ai.evaluation.score.value": 0.8},
        )
    )
    return encode_logs(memory.get_finished_logs()).SerializeToString()


@pytest.mark.parametrize("is_first", [True, False], ids=["feedback first", "request first"])
def test_all_ways_to_name_a_request_file_the_feedback_under_it(
    prepared: Client, pipeline: Pipeline, tmp_path: Path, *, is_first: bool
) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    trace_id, span_id, token = python(ANSWERS, url).split()
    python(GIVES, url, token, trace_id, "chatcmpl-from-a")
    with open_bus(url) as bus, Pipeline.open(bus, prepared) as shared:
        shared.producer.send(LOGS_TOPIC, raw_event(trace_id, span_id))
        for topic in (LOGS_TOPIC, SPANS_TOPIC) if is_first else (SPANS_TOPIC, LOGS_TOPIC):
            shared.drain(topic)
    assert match_pending(prepared, load({})) == 4
    rows = pipeline.rows(
        "SELECT name, label, score, explanation FROM evaluations WHERE trace_id = {trace:String} "
        "AND span_id = {span:String} AND service = 'shop' AND environment = 'production' AND feature = 'support' "
        "AND prompt_name = 'answer' AND prompt_version = 'v3' AND source = 'human' "
        "AND dateDiff('hour', request_start, now()) BETWEEN 71 AND 73 "
        "ORDER BY name, label, explanation",
        trace=trace_id,
        span=span_id,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("helpfulness", "", 0.25, ""),
        ("stars", "", 0.8, ""),
        ("user_feedback", "", None, "Thank you!"),
        ("user_feedback", "report", 0.0, "wrong\nThe window is 30 days."),
        ("user_feedback", "thumbs_up", 1.0, ""),
    ]
    sums = pipeline.sums()
    assert (sums["thumbs_up"], sums["reports"]) == (1, 1)
