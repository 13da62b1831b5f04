"""Raw log requests to ``evaluations`` (feedback and scores) and ``llm_content`` (prompts and answers)."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.content_fields import EVENT_CONTENT
from driftline_processors.conventions.evaluation_fields import EVALUATION_FIELDS
from driftline_processors.conventions.sources import Attr, quote
from driftline_processors.views.view import View, arrays, select, texts

EVALUATION_EVENT: Final = "gen_ai.evaluation.result"
CONTENT_EVENT: Final = "gen_ai.client.inference.operation.details"
MESSAGE_EVENTS: Final = (
    "gen_ai.system.message",
    "gen_ai.user.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
    "gen_ai.choice",
)


def _records(condition: str) -> str:
    return f"""\
    SELECT
        rs.resource.attributes.key AS rk,
        {texts("rs.resource")} AS rv,
        {arrays("r")},
        r
    FROM (SELECT rs, arrayJoin(arrayJoin(rs.scope_logs).log_records) AS r
          FROM (SELECT arrayJoin(resource_logs) AS rs FROM otlp_logs))
    WHERE {condition}"""


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
    return select(columns, _records(f"r.event_name = '{EVALUATION_EVENT}'"))


def _content() -> str:
    columns = [*_IDS, ("at", _TIME), *((field.name, field.sql()) for field in EVENT_CONTENT)]
    return select(columns, _records(f"r.event_name = '{CONTENT_EVENT}'"), where="input != '' OR output != ''")


def _messages() -> str:
    """Content of OpenTelemetry's first events, one a message: all that an insert has of a span as one row."""
    name = f"if(r.event_name != '', r.event_name, {Attr('event.name').sql()})"
    body = "coalesce(r.body.string_value, 'otlp-kvlist:' || base64Encode(r.body.kvlist_value), '')"
    event = f"map('event.name', {name}, 'body', {body})"
    names = ", ".join(quote(event) for event in MESSAGE_EVENTS)
    told = [*_IDS, ("at", _TIME), ("event", event)]
    events = select(told, _records(f"{name} IN ({names})"))

    def side(is_of: str) -> str:
        found = f"groupArrayIf(event, event['event.name'] {is_of} 'gen_ai.choice')"
        return f"if(empty({found}), '', toJSONString({found}))"

    return (
        f"SELECT trace_id, span_id, min(said.at) AS at, '' AS system, {side('!=')} AS input, {side('=')} AS output\n"
        f"FROM (\n{events}\n) AS said\nGROUP BY trace_id, span_id"
    )


EVALUATION_VIEWS: Final = (
    View("otlp_logs_to_evaluations", "evaluations", _evaluations()),
    View("otlp_logs_to_llm_content", "llm_content", _content()),
    View("otlp_logs_messages_to_llm_content", "llm_content", _messages()),
)
