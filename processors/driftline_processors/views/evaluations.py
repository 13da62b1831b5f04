"""Raw log requests to ``evaluations`` (feedback and scores) and ``llm_content`` (prompts and answers)."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.content_fields import EVENT_CONTENT
from driftline_processors.conventions.evaluation_fields import EVALUATION_FIELDS
from driftline_processors.conventions.field import sources_of
from driftline_processors.conventions.slots import quote
from driftline_processors.conventions.sources import Attr, Places
from driftline_processors.views.view import View, attributes, resource_attributes, select

EVALUATION_EVENT: Final = "gen_ai.evaluation.result"
CONTENT_EVENT: Final = "gen_ai.client.inference.operation.details"
MESSAGE_EVENTS: Final = (
    "gen_ai.system.message",
    "gen_ai.user.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
    "gen_ai.choice",
)


def _records(places: Places, condition: str) -> str:
    return f"""\
    SELECT r, record, {places.attributes.filled("c", "v")} AS a
    FROM (SELECT r, record, {attributes("record", places)}
          FROM (SELECT r, arrayJoin(arrayJoin(scopes).log_records) AS record
                FROM (SELECT {resource_attributes(places)}, rs.scope_logs AS scopes
                      FROM (SELECT arrayJoin(resource_logs) AS rs FROM otlp_logs)))
          WHERE {condition})"""


_IDS: Final = [("trace_id", "lower(hex(record.trace_id))"), ("span_id", "lower(hex(record.span_id))")]
_TIME: Final = (
    "fromUnixTimestamp64Micro(toInt64(intDiv(if(record.time_unix_nano > 0, record.time_unix_nano, "
    "record.observed_time_unix_nano), 1000)), 'UTC')"
)


def _evaluations() -> str:
    places = Places.of(sources_of(EVALUATION_FIELDS))
    fields = {field.name: field.sql(places) for field in EVALUATION_FIELDS}
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
    return select(columns, _records(places, f"record.event_name = '{EVALUATION_EVENT}'"))


def _content() -> str:
    places = Places.of(sources_of(EVENT_CONTENT))
    columns = [*_IDS, ("at", _TIME), *((field.name, field.sql(places)) for field in EVENT_CONTENT)]
    records = _records(places, f"record.event_name = '{CONTENT_EVENT}'")
    return select(columns, records, where="input != '' OR output != ''")


def _messages() -> str:
    """Content of OpenTelemetry's first events, one a message: all that an insert has of a span as one row."""
    stated = Attr("event.name")
    places = Places.of([stated])
    name = f"if(record.event_name != '', record.event_name, {stated.sql(places)})"
    body = "coalesce(record.body.string_value, 'otlp-kvlist:' || base64Encode(record.body.kvlist_value), '')"
    event = f"map('event.name', {name}, 'body', {body})"
    names = ", ".join(quote(event) for event in MESSAGE_EVENTS)
    told = [*_IDS, ("at", _TIME), ("event", event)]
    events = select(told, _records(places, f"record.event_name IN ('', {names})"), where=f"{name} IN ({names})")

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
