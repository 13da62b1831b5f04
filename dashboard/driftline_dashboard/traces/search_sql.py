"""The statement of a search: what is asked for as SQL, each value bound."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from driftline_dashboard.traces.search_terms import ANY_ERROR, needles
from driftline_dashboard.widgets.judged import LAST_SCORES
from driftline_store.costs import call_costs
from driftline_store.filters import filtered
from driftline_store.labels import micros

if TYPE_CHECKING:
    from driftline_dashboard.data import Period
    from driftline_dashboard.traces.search_terms import Search
    from driftline_dashboard.view import View

_SLACK: Final = timedelta(hours=1)
"""How long before or after a request's start what belongs to it is looked for."""

_AROUND: Final = """\
start >= fromUnixTimestamp64Micro({around_since:Int64}, 'UTC')
    AND start < fromUnixTimestamp64Micro({around_until:Int64}, 'UTC')"""

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
_SCORES: Final = f"""\
INNER JOIN (
{LAST_SCORES.replace("CONDITION", _AROUND.replace("start", "request_start"))}
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


def statement_of(view: View, wanted: Search, span: Period, judge: str) -> tuple[str, dict[str, Any]]:
    """The statement of a search, and its parameters but for ``page``; scores are those of the instrument ``judge``."""
    parameters: dict[str, Any] = {
        "since": micros(span.since),
        "until": micros(span.until),
        "around_since": micros(span.since - _SLACK),
        "around_until": micros(span.until + _SLACK),
        "judge": judge,
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
        key = "trace_id" if wanted.of == "requests" else "trace_id, span_id"
        on = " AND ".join(f"paid.{one} = s.{one}" for one in key.split(", "))
        joins.append(_COSTS.format(key=key, on=on, costs=call_costs(_AROUND)))
    if wanted.score or wanted.order == "worst":
        joins.append(_SCORES)
    return joins


def _filters(view: View, wanted: Search) -> list[tuple[str, dict[str, Any]]]:
    """Conditions with their parameters."""
    of_segment, bound = filtered(view.where, "s")
    found: list[tuple[str, dict[str, Any]]] = [(" AND ".join(of_segment), bound)] if of_segment else []
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
        "last_start": micros(cursor.start),
        "last_trace": cursor.trace_id,
        "last_span": cursor.span_id,
    }
    return [(f"({value}, s.start, s.trace_id, s.span_id) < {place}", bound)]
