"""Looks for steps among those that are stored. What one search reads is bounded, and it says how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st
from clickhouse_connect.driver.exceptions import DatabaseError

from driftline.errors import DriftlineError
from driftline_dashboard import answers_data
from driftline_dashboard.data import Period, period
from driftline_dashboard.search_terms import ANY_ERROR, Cursor, needles
from driftline_dashboard.search_terms import micros as in_micros
from driftline_dashboard.store import LIMITS, reading
from driftline_store.costs import call_costs
from driftline_store.examples import texts
from driftline_store.metrics import check_dimension

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_dashboard.answers_data import Answer
    from driftline_dashboard.search_terms import Search
    from driftline_dashboard.view import View
    from driftline_store.examples import Key, Texts

PAGE: Final = 30
MOST_SAVED: Final = 500
MOST_READ: Final = 5_000_000
"""Steps that one search looks through; it takes some seconds then."""
MOST_TEXTS: Final = 500_000
"""The same for one that reads their texts, or adds up costs."""

_TIMEOUT: Final = 159
_SLACK: Final = timedelta(hours=1)
"""How long before or after a request's start what belongs to it is looked for."""

_DURING: Final = """\
start >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') AND start < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"""
_AROUND: Final = """\
start >= fromUnixTimestamp64Micro({around_since:Int64}, 'UTC')
    AND start < fromUnixTimestamp64Micro({around_until:Int64}, 'UTC')"""

_REACH: Final = f"""\
SELECT count(), min(start)
FROM (SELECT start FROM llm_spans WHERE {_DURING} ORDER BY start DESC LIMIT {{most:UInt64}})"""

_KINDS: Final = {"requests": "s.is_request", "calls": "s.is_call", "steps": "true"}
_VALUES: Final = {
    "newest": "toFloat64(0)",
    "slowest": "s.duration",
    "dearest": "toFloat64(paid.dollars)",
    "worst": "-judged.points",
}
"""What steps are ordered by, from high to low."""

_COLUMNS: Final = ("name", "tool_name", "operation", "provider", "finish_reason", "release", "scope", "response_id")
"""Columns that an attribute may name as well; most attributes that they were made of are not kept."""

_COSTS: Final = """\
INNER JOIN (
    SELECT {key}, sum(cost) AS dollars FROM ({costs}) GROUP BY {key}
    HAVING countIf(cost IS NULL AND NOT is_error) = 0 AND count(cost) > 0
) AS paid ON {on}"""
_SCORES: Final = """\
INNER JOIN (
    SELECT trace_id, argMax(score, at) AS points FROM evaluations
    WHERE source = 'judge' AND run = '' AND unit != 'anchor' AND trace_id != '' AND score IS NOT NULL
        AND request_start >= fromUnixTimestamp64Micro({around_since:Int64}, 'UTC')
        AND request_start < fromUnixTimestamp64Micro({around_until:Int64}, 'UTC')
    GROUP BY trace_id
) AS judged ON judged.trace_id = s.trace_id"""

# Structured values are stored as base64 of their bytes, in which texts stand as they are.
_PLAIN: Final = "if(startsWith({c}, 'otlp-'), tryBase64Decode(substring({c}, position({c}, ':') + 1)), {c})"
_SAID: Final = ("s.input", "s.output", "s.system", "s.error_message")
_IN_EVENTS: Final = """\
(s.trace_id, s.span_id) IN (
    SELECT trace_id, span_id FROM llm_content
    WHERE at >= fromUnixTimestamp64Micro({around_since:Int64}, 'UTC')
        AND at < fromUnixTimestamp64Micro({around_until:Int64}, 'UTC') AND (CONDITION)
)"""

_FOUND: Final = """\
SELECT s.trace_id, s.span_id, s.start, {value} AS value
FROM llm_spans AS s
{joins}
WHERE {conditions}
ORDER BY {order}s.start DESC, s.trace_id DESC, s.span_id DESC
LIMIT {{page:UInt32}}"""


class TooMuchError(DriftlineError):
    """A search took too long and was ended."""


@dataclass(frozen=True)
class Found:
    """A page of what a search has found.

    Attributes:
        answers: in the search's order.
        looked_at: steps that were looked through.
        reach: the time down to which they were looked through, where that is not all of the window; else None.
        after: where the next page begins; None where nothing is left of what was looked through.
    """

    answers: tuple[Answer, ...]
    looked_at: int
    reach: datetime | None
    after: Cursor | None


@st.cache_data(ttl=600, max_entries=50, show_spinner=False)
def search(view: View, wanted: Search, as_of: datetime) -> Found:
    """One page of the steps that a search is for.

    Raises:
        TooMuchError: it took too long.
        StoreError: the store cannot be reached or fails.
    """
    with reading("the steps that are searched for") as client:
        return look(client, view, wanted, as_of)


def look(client: Client, view: View, wanted: Search, as_of: datetime) -> Found:
    """``search`` without a cache.

    Raises:
        TooMuchError: it took too long.
        clickhouse_connect.driver.exceptions.Error: the store failed a query.
    """
    span, looked_at, is_cut = _slice(client, view, wanted, as_of)
    rows = _keys(client, view, wanted, span, PAGE + 1)
    shown = rows[:PAGE]
    starts = {(trace, step): start for trace, step, start, _ in shown}  # one that two workers stored is there twice
    answers = answers_data.steps(client, list(starts), list(starts.values()), of_requests=_of_requests(wanted))
    after = None
    if len(rows) > PAGE:
        trace, step, start, value = shown[-1]
        after = Cursor(value, start, trace, step)
    return Found(tuple(answers), looked_at, span.since if is_cut else None, after)


def found_texts(view: View, wanted: Search, as_of: datetime) -> tuple[list[Key], dict[Key, Texts]]:
    """The steps that a search is for, at most ``MOST_SAVED``, and what was said in them.

    Raises:
        TooMuchError, StoreError: as ``search``.
    """
    with reading("the steps that are searched for") as client:
        span, _, _ = _slice(client, view, wanted, as_of)
        rows = _keys(client, view, wanted, span, MOST_SAVED)
        keys = list(dict.fromkeys((trace, step) for trace, step, _, _ in rows))
        return keys, texts(client, keys)


def _of_requests(wanted: Search) -> bool:
    return wanted.of == "requests"


def _slice(client: Client, view: View, wanted: Search, as_of: datetime) -> tuple[Period, int, bool]:
    """The time that is looked through, how many steps it has, and whether there is more of the window before it."""
    span = period(view, as_of)
    until = span.until
    if wanted.before is not None and wanted.order == "newest":
        until = min(until, wanted.before.start + timedelta(microseconds=1 if wanted.before.trace_id else 0))
    is_dear = bool(wanted.words or wanted.cost or wanted.order == "dearest")
    most = MOST_TEXTS if is_dear else MOST_READ
    parameters = {"since": in_micros(span.since), "until": in_micros(max(until, span.since)), "most": most}
    count, first = client.query(_REACH, parameters=parameters, settings=LIMITS).result_rows[0]
    is_cut = count == most
    return Period(first if is_cut else span.since, max(until, span.since)), count, is_cut


def _keys(
    client: Client, view: View, wanted: Search, span: Period, most: int
) -> list[tuple[str, str, datetime, float]]:
    """Trace, span, start and what they are ordered by, in the order that is wanted."""
    statement, parameters = statement_of(view, wanted, span)
    try:
        return client.query(statement, parameters=parameters | {"page": most}, settings=LIMITS).result_rows  # type: ignore[return-value]
    except DatabaseError as error:
        if error.code != _TIMEOUT:
            raise
        raise TooMuchError(
            f"the search was ended after {LIMITS['max_execution_time']} s; choose a shorter window, or ask for more, "
            "such as a feature, a user or a class of errors"
        ) from None


def statement_of(view: View, wanted: Search, span: Period) -> tuple[str, dict[str, Any]]:
    """The statement of a search, and its parameters but for ``page``."""
    parameters: dict[str, Any] = {
        "since": in_micros(span.since),
        "until": in_micros(span.until),
        "around_since": in_micros(span.since - _SLACK),
        "around_until": in_micros(span.until + _SLACK),
    }
    conditions = [
        "s.start >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')",
        "s.start < fromUnixTimestamp64Micro({until:Int64}, 'UTC')",
        _KINDS[wanted.of],
    ]
    value = _VALUES[wanted.order]
    for condition, bound in (*_filters(view, wanted), *_said(wanted), *_after(wanted, value)):
        conditions.append(condition)
        parameters |= bound
    statement = _FOUND.format(
        value=value,
        joins="\n".join(_joins(wanted)),
        conditions="\n    AND ".join(conditions),
        order="" if wanted.order == "newest" else "value DESC, ",
    )
    return statement, parameters


def _joins(wanted: Search) -> list[str]:
    joins = []
    if wanted.cost or wanted.order == "dearest":
        key = "trace_id" if _of_requests(wanted) else "trace_id, span_id"
        on = " AND ".join(f"paid.{one} = s.{one}" for one in key.split(", "))
        joins.append(_COSTS.format(key=key, on=on, costs=call_costs(_AROUND)))
    if wanted.score or wanted.order == "worst":
        joins.append(_SCORES)
    return joins


def _filters(view: View, wanted: Search) -> list[tuple[str, dict[str, Any]]]:
    """Conditions with their parameters."""
    found: list[tuple[str, dict[str, Any]]] = [
        (f"s.{check_dimension(name)} = {{where_{name}:String}}", {f"where_{name}": value})
        for name, value in view.where.items()
    ]
    equal = {"user": "s.user_id", "session": "s.session_id"}
    found += [
        (f"{column} = {{{name}:String}}", {name: getattr(wanted, name)})
        for name, column in equal.items()
        if getattr(wanted, name)
    ]
    if wanted.step:
        found.append(("{step:String} IN (s.name, s.tool_name)", {"step": wanted.step}))
    if wanted.error:
        found.append(("s.is_error", {}))
        if wanted.error != ANY_ERROR:
            found.append(("s.error_class = {error:String}", {"error": wanted.error}))
    if wanted.pair:
        key, text = wanted.pair
        column = f"s.{key}, " if key in _COLUMNS else ""
        found.append(
            (f"{{attribute:String}} IN ({column}s.attributes[{{key:String}}])", {"key": key, "attribute": text})
        )
    for name, column in {"took": "s.duration", "cost": "paid.dollars", "score": "judged.points"}.items():
        asked = getattr(wanted, name)
        for end, sign, limit in (("low", ">=", asked.low), ("high", "<=", asked.high)):
            if limit is not None:
                found.append((f"toFloat64({column}) {sign} {{{name}_{end}:Float64}}", {f"{name}_{end}": limit}))
    return found


def _said(wanted: Search) -> list[tuple[str, dict[str, Any]]]:
    """A condition for each word: it occurs in the step itself, or in what came of it as log events."""
    found = []
    for number, word in enumerate(wanted.words):
        name = f"word_{number}"
        # Far faster where no letter has marks.
        search = "multiSearchAnyCaseInsensitive" if word.isascii() else "multiSearchAnyCaseInsensitiveUTF8"
        occurs = search + "({}, {{" + name + ":Array(String)}})"
        here = [occurs.format(_PLAIN.format(c=column)) for column in _SAID]
        events = " OR ".join(occurs.format(_PLAIN.format(c=column)) for column in ("input", "output", "system"))
        anywhere = " OR ".join((*here, _IN_EVENTS.replace("CONDITION", events)))
        found.append((f"({anywhere} OR s.trace_id = {{{name}_id:String}})", {name: needles(word), f"{name}_id": word}))
    return found


def _after(wanted: Search, value: str) -> list[tuple[str, dict[str, Any]]]:
    cursor = wanted.before
    if cursor is None or not cursor.trace_id:
        return []
    place = (
        "({last:Float64}, fromUnixTimestamp64Micro({last_start:Int64}, 'UTC'), {last_trace:String}, {last_span:String})"
    )
    bound = {
        "last": cursor.value,
        "last_start": in_micros(cursor.start),
        "last_trace": cursor.trace_id,
        "last_span": cursor.span_id,
    }
    return [(f"({value}, s.start, s.trace_id, s.span_id) < {place}", bound)]
