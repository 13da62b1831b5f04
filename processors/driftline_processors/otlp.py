"""OTLP as ClickHouse reads it: the message schema, and the Null tables that take raw requests.

ClickHouse decodes the protobuf itself, so that Python only moves bytes. The schema is our own writing
of the public wire format (field numbers of opentelemetry-proto 1.x), reduced to what Driftline reads:

* Leaves of ``AnyValue`` are ``optional``, so that 0, false, "" and *unset* stay different (NULL).
* Arrays and key-value lists are declared ``bytes`` although they are messages on the wire: they arrive
  as their raw bytes, to any depth, and ``driftline_store.content`` decodes them where a person reads.
"""

from __future__ import annotations

from typing import Final

_COMMON: Final = """\
syntax = "proto3";
message AnyValue {
  optional string string_value = 1;
  optional bool bool_value = 2;
  optional int64 int_value = 3;
  optional double double_value = 4;
  optional bytes array_value = 5;
  optional bytes kvlist_value = 6;
  optional bytes bytes_value = 7;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Scope { string name = 1; string version = 2; }
"""

TRACE_SCHEMA: Final = (
    _COMMON
    + """\
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1;
  bytes span_id = 2;
  string trace_state = 3;
  bytes parent_span_id = 4;
  string name = 5;
  int32 kind = 6;
  fixed64 start_time_unix_nano = 7;
  fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9;
  repeated Event events = 11;
  Status status = 15;
}
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Request { repeated ResourceSpans resource_spans = 1; }
"""
)

LOG_SCHEMA: Final = (
    _COMMON
    + """\
message LogRecord {
  fixed64 time_unix_nano = 1;
  AnyValue body = 5;
  repeated KeyValue attributes = 6;
  bytes trace_id = 9;
  bytes span_id = 10;
  fixed64 observed_time_unix_nano = 11;
  string event_name = 12;
}
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
message Request { repeated ResourceLogs resource_logs = 1; }
"""
)

_ANY_VALUE: Final = (
    "Tuple(string_value Nullable(String), bool_value Nullable(Bool), int_value Nullable(Int64), "
    "double_value Nullable(Float64), array_value Nullable(String), kvlist_value Nullable(String), "
    "bytes_value Nullable(String))"
)
_ATTRIBUTES: Final = f"Array(Tuple(key String, value {_ANY_VALUE}))"
_RESOURCE: Final = f"Tuple(attributes {_ATTRIBUTES})"
_SCOPE: Final = "Tuple(name String, version String)"
_SPAN: Final = (
    "Tuple(trace_id String, span_id String, trace_state String, parent_span_id String, name String, kind Int32, "
    f"start_time_unix_nano UInt64, end_time_unix_nano UInt64, attributes {_ATTRIBUTES}, "
    f"events Array(Tuple(time_unix_nano UInt64, name String, attributes {_ATTRIBUTES})), "
    "status Tuple(message String, code Int32))"
)
_LOG_RECORD: Final = (
    f"Tuple(time_unix_nano UInt64, body {_ANY_VALUE}, attributes {_ATTRIBUTES}, trace_id String, span_id String, "
    "observed_time_unix_nano UInt64, event_name String)"
)

_TRACES: Final = f"""\
    resource_spans Array(Tuple(
        resource {_RESOURCE},
        scope_spans Array(Tuple(scope {_SCOPE}, spans Array({_SPAN})))))"""

_LOGS: Final = f"""\
    resource_logs Array(Tuple(
        resource {_RESOURCE},
        scope_logs Array(Tuple(scope {_SCOPE}, log_records Array({_LOG_RECORD})))))"""

RAW_TABLES: Final = tuple(
    f"CREATE TABLE IF NOT EXISTS {name} (\n{columns}\n) ENGINE = Null"
    for name, columns in (
        ("otlp_traces", _TRACES),
        ("otlp_logs", _LOGS),
        ("otlp_traces_probe", _TRACES),
        ("otlp_logs_probe", _LOGS),
    )
)
"""Tables that keep nothing: views read the first two; the probes only tell whether bytes can be parsed."""


INSERT_SECONDS: Final = 25
"""How long the engine may work at one insert. What has not been committed by then fails and is repeated."""


def insert_settings(schema: str, token: str) -> dict[str, str | int]:
    """Settings that make one insert of concatenated requests exact, once, a single block, and not endless.

    Args:
        schema: ``TRACE_SCHEMA`` or ``LOG_SCHEMA``.
        token: names the bytes; a repeat with the same token changes nothing anywhere downstream. Without one,
            every insert counts, also one that equals an earlier one.
    """
    return {
        "format_schema_source": "string",
        "format_schema": schema,
        "format_schema_message_name": "Request",
        "async_insert": 0,
        "insert_deduplicate": int(bool(token)),
        "insert_deduplication_token": token,
        "deduplicate_blocks_in_dependent_materialized_views": 1,
        # One insert has to stay one block, or its parts would need a token each.
        "max_insert_threads": 1,
        "max_insert_block_size": 1_000_000,
        "max_block_size": 1_000_000,
        # Messages straddling a month, or sent late, touch several partitions; they are coarse and clamped.
        "throw_on_max_partitions_per_insert_block": 0,
        "input_format_parallel_parsing": 0,
        "max_execution_time": INSERT_SECONDS,
        # Rewriting the views' queries costs more than it saves: half of the planning, for nothing measurable in
        # the run (docs/decisions/0007).
        "optimize_and_compare_chain": 0,
        "query_plan_merge_expressions": 0,
    }


def frame(message: bytes) -> bytes:
    """Prefix a message with its length as a varint, as ClickHouse's Protobuf format expects it."""
    size = len(message)
    prefix = bytearray()
    while size > 0x7F:
        prefix.append(size & 0x7F | 0x80)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + message
