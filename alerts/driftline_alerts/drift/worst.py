"""Examples of what went wrong: of a metric, a segment and a time, those that were worst, with the first words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.plain import first_line
from driftline_store.client import store_errors
from driftline_store.examples import texts
from driftline_store.feedback import IS_DOWN, IS_REPORT
from driftline_store.filters import filtered
from driftline_store.labels import micros
from driftline_store.metrics import ERROR_CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.stream import StreamKey


@dataclass(frozen=True)
class Example:
    """One of the worst.

    Attributes:
        span_id: '' where it is about the whole trace.
        at: when the request began.
        value: in the metric's unit; None where it is a yes or no.
        why: what the judge, the user or the error said; '' where nobody did.
        asked: first line of the input; '' where it is not stored.
        answered: first line of the output.
    """

    trace_id: str
    span_id: str
    at: datetime
    value: float | None
    why: str
    asked: str
    answered: str


@dataclass(frozen=True)
class _Search:
    """How the worst of a metric are found, among rows called ``row``.

    Attributes:
        where: condition on the rows.
        first: order; what stands out most comes first.
        value: SQL, in the metric's unit.
        why: SQL for what was said about it.
        at: column with the begin of the request.
        fallen: the order where a fall of the metric is the harm.
    """

    table: str
    where: str
    first: str
    value: str = "NULL"
    why: str = "''"
    at: str = "start"
    has_spans: bool = True
    fallen: str = ""


def _requests(where: str, first: str = "start DESC", value: str = "NULL", why: str = "''") -> _Search:
    return _Search("llm_traces", f"is_first AND {where}", first, value, why, has_spans=False)


def _calls(where: str, first: str = "start DESC", value: str = "NULL", why: str = "''") -> _Search:
    return _Search("llm_spans", where, first, value, why)


def _said(where: str, why: str = "explanation") -> _Search:
    return _Search("evaluations", where, "row.at DESC", why=why, at="request_start")


_CLASS: Final = "error_class"
"""What a request says of its error; the message stands in its spans."""


_JUDGED: Final = (
    "source = 'judge' AND score IS NOT NULL AND run = '' AND unit != 'anchor' "
    "AND {evaluator:String} IN ('', name) AND {instrument:String} IN ('', row.evaluator)"
)
_SLOWEST: Final = _requests("duration > 0", "duration DESC", "duration")
_DEAREST: Final = _requests("cost > 0", "cost DESC", "toFloat64(cost)")

SEARCHES: Final[dict[str, _Search]] = {
    "quality": _Search("evaluations", _JUDGED, "score, row.at DESC", "score", "explanation", at="request_start"),
    "error_rate": _requests("is_error", why=_CLASS),
    **{
        metric: _requests(f"is_error AND error_class = '{error_class}'", why=_CLASS)
        for metric, error_class in ERROR_CLASSES.items()
    },
    "call_error_rate": _calls("is_call AND is_error", why="firstNonDefault(error_message, toString(error_class))"),
    "fallback_rate": _requests("fallback_reason != ''", why="fallback_reason"),
    "failed_check_rate": _calls("notEmpty(failed_checks)", why="arrayStringConcat(failed_checks, ', ')"),
    "satisfaction": _said(IS_DOWN),
    "report_rate": _said(IS_REPORT),
    "edit_rate": _said("source = 'human' AND name = 'edited'"),
    "latency_p95": _SLOWEST,
    "time_to_first_token_p95": _calls(
        "is_call AND time_to_first_token > 0", "time_to_first_token DESC", "time_to_first_token"
    ),
    "cost_per_call_p95": _calls("is_call AND row.cost > 0", "row.cost DESC", "toFloat64(row.cost)"),
    "cost_per_request_p95": _DEAREST,
    "cost_per_session_p95": _DEAREST,
    "output_length_p50": replace(
        _calls("is_call AND output_tokens > 0", "output_tokens DESC", "toFloat64(output_tokens)"),
        fallen="output_tokens",
    ),
}
"""By metric: there is one for each that is watched."""

NARROWED: Final = frozenset({"error_class", "fallback_reason"})
"""Columns of a request by which its examples can be narrowed."""

_MESSAGES: Final = """\
SELECT trace_id, argMin(error_message, parent_span_id != '') FROM llm_spans
WHERE trace_id IN {traces:Array(String)} AND is_error AND error_message != ''
GROUP BY trace_id"""


def worst(
    client: Client, key: StreamKey, since: datetime, until: datetime, most: int = 3, *, falls: bool = False
) -> list[Example]:
    """The worst of the requests that began in ``[since, until)``, each of another trace.

    Args:
        client: of the store.
        key: of the stream.
        since: aware.
        until: aware, exclusive.
        most: how many at most.
        falls: whether the metric fell, which of a length makes the shortest the worst.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    statement, parameters = worst_of(
        key.metric,
        dict(key.segment),
        since,
        until,
        most,
        evaluator=key.evaluator,
        instrument=key.instrument,
        falls=falls,
    )
    with store_errors("looking for examples"):
        rows = client.query(statement, parameters=parameters).result_rows
        traces = [trace for trace, *_ in rows]
        has_messages = SEARCHES[key.metric].why == _CLASS
        said = client.query(_MESSAGES, parameters={"traces": traces}).result_rows if has_messages else []
    messages: dict[str, str] = {row[0]: row[1] for row in said}
    contents = texts(client, [(trace, span) for trace, span, *_ in rows])
    found = []
    for trace, span, at, value, why in rows:
        _, asked, answered = contents.get((trace, span), ("", "", ""))
        reason = " ".join(filter(None, (why, messages.get(trace, ""))))
        found.append(Example(trace, span, at, value, first_line(reason), first_line(asked), first_line(answered)))
    return found


def worst_of(
    metric: str,
    where: Mapping[str, str],
    since: datetime,
    until: datetime,
    most: int,
    *,
    evaluator: str = "",
    instrument: str = "",
    only: Mapping[str, str] | None = None,
    falls: bool = False,
) -> tuple[str, dict[str, Any]]:
    """The query for the worst of the requests that began in ``[since, until)``, each of another trace.

    Args:
        metric: one of ``SEARCHES``.
        where: dimensions that must have exactly this value.
        since: aware.
        until: aware, exclusive.
        most: how many at most.
        evaluator: name of the judge, of a judged metric; '' for any.
        instrument: its fingerprint likewise.
        only: columns of ``NARROWED`` that must have exactly this value.
        falls: of a metric whose fall may be harm too, whether it fell.

    Returns:
        The statement and its parameters. Columns: trace id, span id ('' where it is about the whole trace), begin of
        the request, value (in the metric's unit; NULL where it is a yes or no), and what was said about it.

    Raises:
        ValueError: an unknown dimension or column.
    """
    search, only = SEARCHES[metric], only or {}
    if unknown := set(only) - NARROWED:
        raise ValueError(f"examples can be narrowed by {', '.join(sorted(NARROWED))}, not by {', '.join(unknown)}")
    first = search.fallen if falls and search.fallen else search.first
    of_segment, bound = filtered(where, "row")
    conditions = " AND ".join(
        (
            f"{search.at} >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')",
            f"{search.at} < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')",
            search.where,
            *(["row.at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')"] if search.table == "evaluations" else []),
            *of_segment,
            *(f"row.{name} = {{only_{name}:String}}" for name in only),
        )
    )
    span = "span_id" if search.has_spans else "''"
    statement = (
        f"SELECT trace_id, {span} AS span, {search.at} AS began, "
        f"toNullable(toFloat64({search.value})) AS value, toString({search.why}) AS why\nFROM {search.table} AS row\n"
        f"WHERE {conditions} AND trace_id != ''\nORDER BY {first} LIMIT 1 BY trace_id LIMIT {{most:UInt32}}"
    )
    parameters: dict[str, Any] = {"since": micros(since), "until": micros(until), "most": most}
    parameters |= {"evaluator": evaluator, "instrument": instrument, **bound}
    return statement, parameters | {f"only_{name}": value for name, value in only.items()}
