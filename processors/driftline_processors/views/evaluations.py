"""Raw log requests to ``evaluations`` (feedback and scores) and ``llm_content`` (prompts and answers)."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.content_fields import EVENT_CONTENT
from driftline_processors.conventions.evaluation_fields import EVALUATION_FIELDS
from driftline_processors.views.view import View, arrays, select, texts

EVALUATION_EVENT: Final = "gen_ai.evaluation.result"
CONTENT_EVENT: Final = "gen_ai.client.inference.operation.details"


def _records(event: str) -> str:
    return f"""\
    SELECT
        rs.resource.attributes.key AS rk,
        {texts("rs.resource")} AS rv,
        {arrays("r")},
        r
    FROM (SELECT rs, arrayJoin(arrayJoin(rs.scope_logs).log_records) AS r
          FROM (SELECT arrayJoin(resource_logs) AS rs FROM otlp_logs))
    WHERE r.event_name = '{event}'"""


_IDS: Final = [("trace_id", "lower(hex(r.trace_id))"), ("span_id", "lower(hex(r.span_id))")]
_TIME: Final = (
    "fromUnixTimestamp64Micro(toInt64(intDiv(if(r.time_unix_nano > 0, r.time_unix_nano, "
    "r.observed_time_unix_nano), 1000)), 'UTC')"
)


def _evaluations() -> str:
    fields = {field.name: field.sql() for field in EVALUATION_FIELDS}
    columns = [
        *_IDS,
        ("response_id", fields["response_id"]),
        (
            "request_start",
            (
                f"if({fields['request_start_nano']} > 0, "
                f"fromUnixTimestamp64Micro(toInt64(intDiv(ifNull({fields['request_start_nano']}, 0), 1000)), 'UTC'), "
                f"{_TIME})"
            ),
        ),
        ("at", "now64(3, 'UTC')"),
        *((name, fields[name]) for name in ("service", "environment", "feature", "model")),
        *((name, fields[name]) for name in ("prompt_name", "prompt_version")),
        ("name", fields["evaluation"]),
        ("source", f"if({fields['source']} = '', 'human', {fields['source']})"),
        ("score", f"if(isFinite({fields['score']}), {fields['score']}, NULL)"),
        ("label", fields["label"]),
        ("explanation", fields["explanation"]),
        ("evaluator", "''"),
        ("inclusion_probability", "toFloat64(1)"),
        ("cost", "CAST(NULL, 'Nullable(Decimal(18, 12))')"),
        ("error", fields["error"]),
    ]
    return select(columns, _records(EVALUATION_EVENT))


def _content() -> str:
    columns = [*_IDS, ("at", _TIME), *((field.name, field.sql()) for field in EVENT_CONTENT)]
    return select(columns, _records(CONTENT_EVENT), where="input != '' OR output != ''")


EVALUATION_VIEWS: Final = (
    View("otlp_logs_to_evaluations", "evaluations", _evaluations()),
    View("otlp_logs_to_llm_content", "llm_content", _content()),
)
