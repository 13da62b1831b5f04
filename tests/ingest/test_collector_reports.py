"""Reports of the collectors inside of applications: from log records to rows, and which of them sent a span."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from made_events import event
from made_spans import NOW, attributes, request

if TYPE_CHECKING:
    from ingest_support import Pipeline

INSTANCE = "0af7651916cd43dd8448eb211c80319c"
COUNTS = {
    "emitted_spans": 1000,
    "emitted_events": 7,
    "exported": 990,
    "dropped": 2,
    "queued": 10,
    "spooled": 5,
    "spooled_total": 400,
}


def report(**changes: Any) -> bytes:
    values = {
        "driftline.collector.instance": INSTANCE,
        "driftline.collector.version": "0.2.0",
        "driftline.collector.started_unix_nano": NOW - 10**9,
        **{f"driftline.collector.{name}": count for name, count in COUNTS.items()},
    }
    told = values | {f"driftline.collector.{name}": value for name, value in changes.items()}
    message = ExportLogsServiceRequest.FromString(event("driftline.collector.report", told))
    [group] = message.resource_logs
    group.resource.attributes.extend(attributes({"deployment.environment.name": "production"}))
    group.scope_logs[0].log_records[0].time_unix_nano = NOW
    return message.SerializeToString()


def test_a_report_is_a_row_and_nothing_else(pipeline: Pipeline) -> None:
    pipeline.send_logs(report())
    [row] = pipeline.rows(
        "SELECT * EXCEPT arrived, abs(dateDiff('second', arrived, now())) < 60 AS came FROM collector_reports"
    )
    assert row == {
        "at": datetime.fromtimestamp(NOW // 1000 / 1e6, UTC),
        "service": "elsewhere",
        "environment": "production",
        "instance": INSTANCE,
        "version": "0.2.0",
        "started": datetime.fromtimestamp((NOW - 10**9) // 1000 / 1e6, UTC),
        **COUNTS,
        "came": 1,
    }
    for table in ("evaluations", "evaluations_pending", "llm_content", "dead_letters"):
        assert pipeline.rows(f"SELECT * FROM {table}") == [], table


@pytest.mark.parametrize("odd", [-1, 1.5, "many", None, [1], {"n": 1}, 2**63 - 1])
def test_an_odd_figure_stops_nothing(pipeline: Pipeline, odd: Any) -> None:
    pipeline.send_logs(report(dropped=odd, started_unix_nano=odd))
    [row] = pipeline.rows("SELECT dropped, emitted_spans FROM collector_reports")
    assert row == {"dropped": odd if odd == 2**63 - 1 else 0, "emitted_spans": 1000}


def test_a_report_of_nobody_is_none(pipeline: Pipeline) -> None:
    pipeline.send_logs(report(instance=""))
    assert pipeline.rows("SELECT * FROM collector_reports") == []


def test_a_span_says_which_collector_sent_it(pipeline: Pipeline) -> None:
    message = ExportTraceServiceRequest.FromString(request())
    message.resource_spans[0].resource.attributes.extend(attributes({"driftline.collector.instance": INSTANCE}))
    pipeline.send(message.SerializeToString(), request())
    assert pipeline.rows("SELECT collector FROM llm_spans ORDER BY collector") == [
        {"collector": ""},
        {"collector": INSTANCE},
    ]
