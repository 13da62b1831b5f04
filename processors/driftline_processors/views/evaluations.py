"""Raw log requests to ``evaluations`` (feedback and scores) and ``llm_content`` (prompts and answers).

Feedback that names its request by an id alone goes to ``evaluations_pending``; see ``matching``.
"""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.content_fields import EVENT_CONTENT
from driftline_processors.conventions.evaluation_fields import EVALUATION_FIELDS
from driftline_processors.conventions.field import sources_of
from driftline_processors.conventions.slots import quote
from driftline_processors.conventions.sources import Attr, Places
from driftline_processors.views.records import IDS, TIME, records
from driftline_processors.views.view import View, select

EVALUATION_EVENT: Final = "gen_ai.evaluation.result"
CONTENT_EVENT: Final = "gen_ai.client.inference.operation.details"
MESSAGE_EVENTS: Final = (
    "gen_ai.system.message",
    "gen_ai.user.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
    "gen_ai.choice",
)


_PLACES: Final = Places.of(sources_of(EVALUATION_FIELDS))
_FIELDS: Final = {field.name: field.sql(_PLACES) for field in EVALUATION_FIELDS}
_VERDICT: Final = [
    ("name", _FIELDS["evaluation"]),
    ("source", f"if({_FIELDS['source']} = '', 'human', {_FIELDS['source']})"),
    ("score", f"if(isFinite({_FIELDS['score']}), {_FIELDS['score']}, NULL)"),
    *((name, _FIELDS[name]) for name in ("label", "explanation", "error")),
]
_RESULTS: Final = records(_PLACES, f"record.event_name = '{EVALUATION_EVENT}'")
_REQUEST_NANO: Final = f"ifNull({_FIELDS['request_start_nano']}, 0)"

_HAS_SEGMENT: Final = f"({_REQUEST_NANO} > 0 OR {_FIELDS['feature']} != '')"
"""Whether an event says where it belongs, as one with a handle does; others are matched by their ids."""


def _evaluations() -> str:
    columns = [
        *IDS,
        ("response_id", _FIELDS["response_id"]),
        (
            "request_start",
            (
                f"if({_REQUEST_NANO} > 0, "
                f"fromUnixTimestamp64Micro(toInt64(intDiv({_REQUEST_NANO}, 1000)), 'UTC'), {TIME})"
            ),
        ),
        ("at", "now64(3, 'UTC')"),
        *((name, _FIELDS[name]) for name in ("service", "environment", "feature", "model")),
        *((name, _FIELDS[name]) for name in ("prompt_name", "prompt_version", "variant")),
        *_VERDICT,
        ("evaluator", "''"),
        ("inclusion_probability", "toFloat64(1)"),
        ("cost", "CAST(NULL, 'Nullable(Decimal(18, 12))')"),
    ]
    return select(columns, _RESULTS, where=_HAS_SEGMENT)


def _pending() -> str:
    columns = [
        # Two events may say the same of the same request; a redo of the insert is left out by its token.
        ("id", "generateUUIDv4()"),
        ("arrived", "now64(3, 'UTC')"),
        ("said", TIME),
        *IDS,
        ("response_id", _FIELDS["response_id"]),
        *((name, _FIELDS[name]) for name in ("service", "environment")),
        *_VERDICT,
    ]
    return select(columns, _RESULTS, where=f"NOT {_HAS_SEGMENT}")


def _content() -> str:
    places = Places.of(sources_of(EVENT_CONTENT))
    columns = [*IDS, ("at", TIME), *((field.name, field.sql(places)) for field in EVENT_CONTENT)]
    told = records(places, f"record.event_name = '{CONTENT_EVENT}'")
    return select(columns, told, where="input != '' OR output != ''")


def _messages() -> str:
    """Content of OpenTelemetry's first events, one a message: all that an insert has of a span as one row."""
    stated = Attr("event.name")
    places = Places.of([stated])
    name = f"if(record.event_name != '', record.event_name, {stated.sql(places)})"
    body = "coalesce(record.body.string_value, 'otlp-kvlist:' || base64Encode(record.body.kvlist_value), '')"
    event = f"map('event.name', {name}, 'body', {body})"
    names = ", ".join(quote(event) for event in MESSAGE_EVENTS)
    told = [*IDS, ("at", TIME), ("event", event)]
    events = select(told, records(places, f"record.event_name IN ('', {names})"), where=f"{name} IN ({names})")

    def side(is_of: str) -> str:
        found = f"groupArrayIf(event, event['event.name'] {is_of} 'gen_ai.choice')"
        return f"if(empty({found}), '', toJSONString({found}))"

    return (
        f"SELECT trace_id, span_id, min(said.at) AS at, '' AS system, {side('!=')} AS input, {side('=')} AS output\n"
        f"FROM (\n{events}\n) AS said\nGROUP BY trace_id, span_id"
    )


EVALUATION_VIEWS: Final = (
    View("otlp_logs_to_evaluations", "evaluations", _evaluations()),
    View("otlp_logs_to_evaluations_pending", "evaluations_pending", _pending()),
    View("otlp_logs_to_llm_content", "llm_content", _content()),
    View("otlp_logs_messages_to_llm_content", "llm_content", _messages()),
)
