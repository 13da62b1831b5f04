"""A store with schema and views, and spans to send through them as OTLP bytes."""

from __future__ import annotations

import re
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import clickhouse_connect
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

import driftline_store
from driftline_processors.install import install
from driftline_processors.otlp import TRACE_SCHEMA, frame, insert_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from clickhouse_connect.driver.client import Client

TABLES = (
    "llm_spans",
    "llm_content",
    "evaluations",
    "judge_queue",
    "judge_rates",
    "llm_minutes",
    "model_prices",
    "unpriced_models",
)


class SendSpan(Protocol):
    """Sends one root span and returns its trace id."""

    def __call__(self, attributes: Mapping[str, str | int], trace_id: bytes = b"") -> str: ...


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = clickhouse_connect.get_client(interface="chdb", path=str(tmp_path_factory.mktemp("store")))
    for path in sorted((Path(driftline_store.__file__).parent / "migrations").glob("*.sql")):
        text = re.sub(r"(?m)^--.*$", "", path.read_text())
        for statement in filter(str.strip, text.split(";\n")):
            client.command(statement)
    install(client)
    yield client
    client.close()


@pytest.fixture
def client(engine: Client) -> Client:
    for table in TABLES:
        engine.command(f"TRUNCATE TABLE {table}")
    for dictionary in ("prices", "judge_rate"):
        engine.command(f"SYSTEM RELOAD DICTIONARY {dictionary}")
    return engine


@pytest.fixture
def send_bytes(client: Client) -> SendBytes:
    def send(request: bytes) -> None:
        settings = insert_settings(TRACE_SCHEMA, secrets.token_hex(8))
        client.raw_insert("otlp_traces", insert_block=frame(request), fmt="Protobuf", settings=settings)

    return send


class SendBytes(Protocol):
    """Inserts the bytes of one ``ExportTraceServiceRequest``."""

    def __call__(self, request: bytes) -> None: ...


@pytest.fixture
def send(send_bytes: SendBytes) -> SendSpan:
    def send_one(attributes: Mapping[str, str | int], trace_id: bytes = b"") -> str:
        request = ExportTraceServiceRequest()
        span = request.resource_spans.add().scope_spans.add().spans.add()
        trace_id = trace_id or secrets.token_bytes(16)
        span.trace_id = trace_id
        span.span_id = secrets.token_bytes(8)
        span.start_time_unix_nano = time.time_ns()
        span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000
        for key, value in {"gen_ai.operation.name": "chat", **attributes}.items():
            boxed = AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
            span.attributes.append(KeyValue(key=key, value=boxed))
        send_bytes(request.SerializeToString())
        return trace_id.hex()

    return send_one
