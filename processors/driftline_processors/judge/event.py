"""A judgement on the bus: OpenTelemetry's event ``gen_ai.evaluation.result``, as feedback travels too.

What the specification has no attribute for stands under ``driftline.evaluation.``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from driftline import semconv
from driftline.otlp.decode import UnreadableError
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    from driftline_processors.judge.task import Judgement, Task

Row = dict[str, Any]
"""Column of ``evaluations`` -> value."""

_OWN: Final = "driftline.evaluation."
_CRITERION: Final = _OWN + "criterion."

_TEXTS: Final = {
    "service": semconv.REQUEST_SERVICE,
    "environment": semconv.REQUEST_ENVIRONMENT,
    "feature": semconv.FEATURE,
    "model": semconv.RESPONSE_MODEL,
    "prompt_name": semconv.PROMPT_NAME,
    "prompt_version": semconv.PROMPT_VERSION,
    "variant": semconv.REQUEST_VARIANT,
    "name": semconv.EVALUATION_NAME,
    "source": semconv.EVALUATION_SOURCE,
    "label": semconv.EVALUATION_LABEL,
    "explanation": semconv.EVALUATION_EXPLANATION,
    "error": semconv.ERROR_TYPE,
    "unit": _OWN + "unit",
    "unit_id": _OWN + "unit.id",
    "run": _OWN + "run",
    "tier": _OWN + "tier",
    "evaluator": _OWN + "evaluator",
    "response_model": _OWN + "response.model",
    "content_hash": _OWN + "content.hash",
}
_FLOATS: Final = {
    "score": semconv.EVALUATION_SCORE,
    "inclusion_probability": _OWN + "inclusion_probability",
    "uniform_probability": _OWN + "uniform_probability",
}
_INTS: Final = {
    "is_cached": _OWN + "cached",
    "tokens_in": _OWN + "usage.input_tokens",
    "tokens_out": _OWN + "usage.output_tokens",
    "judge_calls": _OWN + "calls",
}
_COST: Final = _OWN + "cost"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REQUIRED: Final = ("name", "source", "evaluator", "unit", "unit_id", "inclusion_probability")

COLUMNS: Final = (
    *("trace_id", "span_id", "request_start", "criteria", "cost"),
    *(*_TEXTS, *_FLOATS, *_INTS),
)
"""Columns of ``evaluations`` that an event says something about."""


def row_of(task: Task, judgement: Judgement, evaluator: str, content_hash: str = "") -> Row:
    """What is stored of a judgement.

    Args:
        task: what was judged.
        judgement: what was said about it.
        evaluator: fingerprint of the instrument, if the judgement has none.
        content_hash: under which the judgement of an identical answer is found.
    """
    return {
        "trace_id": task.trace_id,
        "span_id": task.span_id,
        "request_start": task.request_start,
        **dict(zip(DIMENSIONS, task.segment, strict=True)),
        **{name: getattr(task, name) for name in ("unit", "unit_id", "run", "tier")},
        **{name: getattr(task, name) for name in ("inclusion_probability", "uniform_probability")},
        **{name: getattr(judgement, name) for name in ("label", "explanation", "error", "response_model", "cost")},
        **{name: getattr(judgement, name) for name in ("score", "tokens_in", "tokens_out")},
        "content_hash": content_hash,
        "name": task.evaluator,
        "source": "judge",
        "evaluator": judgement.fingerprint or evaluator,
        "criteria": dict(judgement.criteria),
        "is_cached": int(judgement.cached),
        "judge_calls": judgement.calls,
    }


def encode(row: Row) -> bytes:
    """The message of one judgement."""
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.event_name = semconv.EVALUATION_EVENT
    record.time_unix_nano = time.time_ns()
    record.trace_id, record.span_id = bytes.fromhex(row["trace_id"]), bytes.fromhex(row["span_id"])
    told = _Attributes(record)
    for column, key in _TEXTS.items():
        if row[column]:
            told.add(key).string_value = row[column]
    for column, key in _FLOATS.items():
        if row[column] is not None:
            told.add(key).double_value = row[column]
    for column, key in _INTS.items():
        told.add(key).int_value = row[column]
    for criterion, score in row["criteria"].items():
        told.add(_CRITERION + criterion).double_value = score
    if row["cost"] is not None:
        told.add(_COST).string_value = str(row["cost"])  # a double would round money
    start = row["request_start"]
    told.add(semconv.REQUEST_START).int_value = round(start.timestamp() * 1e6) * 1000
    return bytes(request.SerializeToString())


def decode(message: bytes) -> list[Row]:
    """The judgements of a message.

    Raises:
        UnreadableError: it holds something else.
    """
    try:
        request = ExportLogsServiceRequest.FromString(message)
        return [
            _row(record)
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]
    except DecodeError:
        raise UnreadableError("it is no ExportLogsServiceRequest in protobuf") from None
    except (LookupError, ValueError, TypeError, ArithmeticError) as error:
        raise UnreadableError(f"it is no judgement: {error!s:.100}") from None


def _row(record: LogRecord) -> Row:
    found = {pair.key: _value(pair.value) for pair in record.attributes}
    if record.event_name != semconv.EVALUATION_EVENT:
        raise ValueError(f"its event is not {semconv.EVALUATION_EVENT}")
    row: Row = {
        "trace_id": record.trace_id.hex(),
        "span_id": record.span_id.hex(),
        "request_start": _EPOCH + timedelta(microseconds=int(found[semconv.REQUEST_START]) // 1000),
        **{column: str(found.get(key, "")) for column, key in _TEXTS.items()},
        **{column: None if (value := found.get(key)) is None else float(value) for column, key in _FLOATS.items()},
        **{column: int(found.get(key, 0)) for column, key in _INTS.items()},
        "criteria": {key[len(_CRITERION) :]: float(found[key]) for key in found if key.startswith(_CRITERION)},
        "cost": Decimal(found[_COST]) if _COST in found else None,
    }
    if missing := [column for column in _REQUIRED if row[column] in {"", None}]:
        raise ValueError(f"it does not say {', '.join(missing)}")
    return row


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else ""


@dataclass
class _Attributes:
    record: LogRecord

    def add(self, key: str) -> AnyValue:
        pair = self.record.attributes.add()
        pair.key = key
        return pair.value
