"""``llm_spans`` to ``llm_traces``: totals per request, and what only the whole trace can tell.

That is the model that gave the answer, whether it was the second one tried, what the request cost, and that it
was a request at all when its root is no span of an LLM feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_processors.settle.decisions import DECISIONS, decision_sum
from driftline_processors.settle.step import Step, now, parameter
from driftline_processors.views.sums import COUNT_OF_BIN, NAMED_COUNT, Sum, rolled_up
from driftline_store.histogram import bin_sql
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings

SECOND_MODEL: Final = "second_model"
"""Reason of a fallback that is seen in the trace: the first call failed, and another model answered."""

_ROOT_SEGMENT: Final = tuple(name for name in DIMENSIONS if name != "model")

_FROM_CALL: Final = ("feature", "prompt_name", "prompt_version", "variant")
"""What a root that is no span of an LLM feature takes from the first call."""


@dataclass(frozen=True)
class _Pass:
    """When a trace is looked at.

    Attributes:
        delay: after the arrival of the rows that it looks for.
        reach: how long before them other spans of their traces are searched for.
        of: condition on the rows that it looks for.
        taken: condition on the totals of a trace that has not been settled yet.
        source: table of these rows.
        arrived: column with their time of arrival.
    """

    name: str
    delay: timedelta
    reach: timedelta
    of: str = "true"
    taken: str = "has_root"
    source: str = "llm_spans"
    arrived: str = "arrived"


LATE: Final = "late spans"
"""Name of the pass that looks at every trace, also those whose totals were removed."""

_LATE: Final = timedelta(minutes=5)
_ROOTLESS: Final = timedelta(hours=1)


def _passes(settle: timedelta) -> tuple[_Pass, ...]:
    return (
        _Pass("roots", settle, timedelta(minutes=1), of="parent_span_id = ''"),
        _Pass(LATE, max(_LATE, settle), timedelta(hours=1)),
        _Pass("rootless traces", max(_ROOTLESS, settle), timedelta(days=1), taken="true"),
        _Pass("corrected costs", settle, timedelta(hours=1), source="cost_corrections", arrived="at"),
    )


def settle_traces(client: Client, settings: Settings) -> None:
    """Settle the traces that are due; meant to be called every few seconds, by one process at a time.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement; nothing is lost.
    """
    at = now()
    for one in _passes(timedelta(seconds=float(settings.settle_seconds))):
        step = Step(one.name, one.source, one.arrived, one.delay, "llm_traces", _totals(one), _SUMS)
        while step.run(client, at):
            pass


def _root(column: str) -> str:
    """The column of the span that stands for the request: marked as one, else the root, else the first."""
    return f"argMin({column}, (NOT is_request, parent_span_id != '', start))"


def _segment(name: str) -> str:
    of_call = f"argMinIf({name}, start, is_call)"
    return f"if(countIf(is_request) > 0, {_root(name)}, {of_call})" if name in _FROM_CALL else _root(name)


_ANSWERED: Final = "is_call AND NOT is_error AND operation != 'embeddings'"
_END: Final = "start_unix_nano + toUInt64(duration * 1e9)"

_TOTALS: Final = {
    "start": _root("start"),
    "duration": (
        f"if(countIf(is_request OR parent_span_id = '') > 0, {_root('duration')}, "
        "(max(toUnixTimestamp64Micro(start) + duration * 1e6) - min(toUnixTimestamp64Micro(start))) / 1e6)"
    ),
    "name": _root("name"),
    **{name: _segment(name) for name in _ROOT_SEGMENT},
    "model": (
        f"firstNonDefault(argMaxIf(model, {_END}, {_ANSWERED}), {_root('model')}, argMaxIf(model, {_END}, is_call))"
    ),
    "counted_model": _root("model"),
    "was_counted": "countIf(is_request) > 0",
    "session_id": "anyIf(session_id, session_id != '')",
    "user_id": "anyIf(user_id, user_id != '')",
    "is_error": _root("is_error"),
    "error_class": _root("error_class"),
    "counted_fallback": _root("fallback_reason"),
    "found_fallback": (
        "countIf(is_call AND is_error) > 0 AND argMinIf(is_error, start, is_call) "
        f"AND argMaxIf(request_model, {_END}, {_ANSWERED}) NOT IN ('', argMinIf(request_model, start, is_call))"
    ),
    "spans": "toInt64(count())",
    "calls": "toInt64(countIf(is_call))",
    "call_errors": "toInt64(countIf(is_call AND is_error))",
    "input_tokens": "toInt64(sumIf(ifNull(span.input_tokens, 0), is_call))",
    "output_tokens": "toInt64(sumIf(ifNull(span.output_tokens, 0), is_call))",
    "cost": "sumIf(ifNull(span.cost, 0), is_call)",
    "unpriced_calls": "toInt64(countIf(is_call AND span.cost IS NULL AND NOT is_error))",
    "has_root": "countIf(parent_span_id = '') > 0",
    **DECISIONS,
}
_ADDED: Final = (
    *("spans", "calls", "call_errors", "input_tokens", "output_tokens", "cost", "unpriced_calls"),
    *DECISIONS,
)
_FIXED: Final = (*DIMENSIONS, "start")
"""What a trace keeps from its first row, so that its corrections meet the sums that they correct."""


def _totals(one: _Pass) -> str:
    due = (
        f"FROM {one.source} WHERE {one.arrived} >= {parameter('since')} AND {one.arrived} < {parameter('until')} "
        f"AND {one.of}"
    )
    reach = f"start >= (SELECT min(start) {due}) - INTERVAL {int(one.reach.total_seconds())} SECOND"
    concerned = f"trace_id IN (SELECT trace_id {due}) AND {reach}"
    totals = ",\n        ".join(f"{sql} AS {name}" for name, sql in _TOTALS.items())
    known = ", ".join(f"sum({name}) AS {name}" for name in _ADDED)
    fixed = ", ".join(f"argMax({name}, is_first) AS {name}" for name in _FIXED)
    columns = {
        "trace_id": "t.trace_id",
        "settled_at": parameter("settled_at"),
        "is_first": "k.rows = 0",
        "is_again": "k.rows = 0 AND {again:Bool}",
        **{name: f"if(k.rows = 0, t.{name}, k.{name})" for name in _FIXED},
        **{name: f"t.{name}" for name in ("name", "session_id", "user_id", "was_counted", "counted_model")},
        **{name: f"t.{name}" for name in ("is_error", "error_class", "counted_fallback")},
        "duration": "if(k.rows = 0, t.duration, 0)",
        "fallback_reason": f"firstNonDefault(t.counted_fallback, if(t.found_fallback, '{SECOND_MODEL}', ''))",
        **{name: f"t.{name} - k.{name}" for name in _ADDED},
        "cost": "t.cost + c.cost - k.cost",
        "unpriced_calls": "t.unpriced_calls - c.priced - k.unpriced_calls",
        "cost_before": "k.cost",
        "unpriced_before": "k.unpriced_calls",
    }
    return f"""\
INSERT INTO llm_traces ({", ".join(columns)})
SELECT
    {", ".join(f"{sql} AS {name}" for name, sql in columns.items())}
FROM (
    SELECT
        trace_id,
        {totals}
    FROM llm_spans AS span
    WHERE {concerned}
    GROUP BY trace_id
) AS t
LEFT JOIN (
    SELECT trace_id, count() AS rows, {fixed}, {known}
    FROM llm_traces
    WHERE {concerned}
    GROUP BY trace_id
) AS k ON k.trace_id = t.trace_id
LEFT JOIN (
    SELECT trace_id, sum(cost) AS cost, toInt64(countIf(NOT is_error)) AS priced
    FROM cost_corrections
    WHERE {concerned}
    GROUP BY trace_id
) AS c ON c.trace_id = t.trace_id
WHERE if(k.rows = 0,
    {one.taken} AND (t.calls > 0 OR t.was_counted),
    (t.spans, t.cost + c.cost) != (k.spans, k.cost))"""


# What each row of llm_traces changes in the sums, as tuples of
#   1 model, 2 fallback reason, 3 requests by event time, 4 settled requests and requests by arrival,
#   5 entries in the histogram of costs, 6 cost, 7 whether all its calls are priced.
# The view counted a request under the model of its own span, often none, with the fallback that its answer showed.
_CHANGES: Final = """\
multiIf(
    NOT is_first, [
        (model, '', 0, 0, -1, cost_before, unpriced_before = 0),
        (model, '', 0, 0, 1, cost_before + cost, unpriced_before + unpriced_calls = 0)
    ],
    NOT was_counted, [(model, fallback_reason, 1, 1, 1, cost, unpriced_calls = 0)],
    (model, fallback_reason) = (counted_model, counted_fallback), [
        (model, fallback_reason, 0, 1, 1, cost, unpriced_calls = 0)
    ],
    [
        (counted_model, counted_fallback, -1, 0, 0, 0, false),
        (model, fallback_reason, 1, 1, 1, cost, unpriced_calls = 0)
    ]
)"""

_SOURCE: Final = f"""\
(
        SELECT * EXCEPT (model), change.1::String AS model, change.2::String AS reason, change.3 AS counted,
            change.4 AS settled, change.4 * NOT is_again AS came, change.5 AS priced,
            toFloat64(change.6) AS usd, change.7 AS is_priced
        FROM (SELECT *, arrayJoin({_CHANGES}) AS change FROM llm_traces
            WHERE settled_at = {parameter("settled_at")})
    ) AS trace"""


def _both(column: str, of: str) -> Sum:
    """A count of requests that are moved by event time, and counted by arrival."""
    return Sum(column, f"toInt64(sumIf(counted, {of}))", by_arrival=f"toInt64(sumIf(came, {of}))")


def _both_maps(column: str, key: str, kind: str, of: str) -> Sum:
    by_event, by_arrival = (
        f"sumMapIf(map({key}, toInt64({sign})), {sign} != 0 AND {of})" for sign in ("counted", "came")
    )
    return Sum(column, by_event, kind, by_arrival)


_TRACE_SUMS: Final = (
    _both("requests", "true"),
    _both("request_errors", "is_error"),
    _both_maps("request_error_classes", "toString(error_class)", NAMED_COUNT, "error_class != ''"),
    _both("fallbacks", "reason != ''"),
    _both_maps("fallback_reasons", "reason", NAMED_COUNT, "reason != ''"),
    _both_maps("request_seconds", bin_sql("duration"), COUNT_OF_BIN, "is_first"),
    Sum("settled_requests", "toInt64(sum(settled))", by_arrival="toInt64(sum(came))"),
    Sum(
        "request_cost",
        f"sumMapIf(map({bin_sql('usd')}, toInt64(priced)), is_priced)",
        COUNT_OF_BIN,
        f"sumMapIf(map({bin_sql('usd')}, toInt64(priced)), is_priced AND came > 0)",
    ),
    *(decision_sum(name) for name in DECISIONS),
    # Each late row makes two changes.
    Sum("late_spans", "toInt64(intDiv(sumIf(spans, NOT is_first), 2))", by_arrival=""),
)

_SUMS: Final = (
    f"INSERT INTO llm_rollups (resolution, at, {', '.join((*DIMENSIONS, *(one.column for one in _TRACE_SUMS)))})\n"
    + rolled_up(_TRACE_SUMS, _SOURCE, at="start", arrived="now64(3, 'UTC')")
)
