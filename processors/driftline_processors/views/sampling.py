"""What is judged: rows of the totals and spans to the judge's queue, one for each evaluator that chooses them.

A unit's 56 random bits (of its trace id; of a session a hash of its id) are compared with thresholds, so that
every replica decides alike, and so does a repeat. Few rows reach the highest threshold of all, which is compared
first, so that the rest of the decision is made for them alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_processors.judge.plan import SCOPE
from driftline_processors.views.view import View
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

_ALL: Final = "72057594037927936"
"""``2 ** 56``."""

_OF_TRACE: Final = "reinterpretAsUInt64(reverse(substring(unhex(trace_id), 10, 7)))"
_OF_SESSION: Final = f"modulo(sipHash64(session_id), {_ALL})"

_PLAN: Final = "'names', 'rates', 'error_rates', 'features', 'models', 'operations'"
_NO_PLAN: Final = "([]::Array(String), []::Array(Float64), []::Array(Float64), {0}, {0}, {0})".replace(
    "{0}", "[]::Array(String)"
)

_RAISED: Final = (
    f"dictGetOrDefault('judge_raised', ('rate', 'until'), (name, {', '.join(f'toString({one})' for one in SCOPE)}), "
    "(0., toDateTime64(0, 3, 'UTC')))"
)


def _named(listed: str, value: str) -> str:
    return f"({listed} = '' OR has(splitByChar(char(10), {listed}), toString({value})))"


def sampled(
    unit: str, source: str, where: str, *, bits: str = _OF_TRACE, replaced: Mapping[str, str] | None = None
) -> str:
    """A query from rows to what is queued of them.

    Args:
        unit: what the rows are.
        source: table of the rows, which have the dimensions.
        where: condition on rows that can be judged at all.
        bits: SQL of the unit's random bits.
        replaced: SQL for columns that the rows do not have.
    """
    columns = {
        "trace_id": "trace_id",
        "span_id": "span_id",
        "unit_id": "trace_id",
        "is_error": "is_error",
        "operation": "operation",
        "system": "system",
        "input": "input",
        "output": "output",
        **(replaced or {}),
    }
    given = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    segment = ", ".join(DIMENSIONS)
    return f"""\
SELECT
    trace_id, span_id, now64(3, 'UTC') AS queued_at, request_start, {segment},
    chosen.1 AS evaluator, '{unit}' AS unit, unit_id,
    chosen.4 AS inclusion_probability, chosen.3 AS uniform_probability,
    multiIf(bits >= (1 - chosen.2) * {_ALL}, 'base', bits >= (1 - chosen.3) * {_ALL}, 'raised', 'boost') AS tier,
    system, input, output
FROM (
    SELECT *, arrayJoin(arrayFilter(
        (one, applies) -> applies AND bits >= (1 - one.4) * {_ALL},
        arrayMap(
            (name, base, uniform, of_error) -> (name, base, uniform, multiIf(
                NOT is_error, uniform,
                of_error > 0, greatest(uniform, of_error),
                0.)),
            plan.1, plan.2,
            arrayMap(
                (name, base) -> greatest(base, if({_RAISED}.2 > now64(3), {_RAISED}.1, 0.)), plan.1, plan.2
            ),
            plan.3
        ),
        arrayMap(
            (features, models, operations) ->
                {_named("features", "feature")} AND {_named("models", "model")}
                AND {_named("operations", "operation")},
            plan.4, plan.5, plan.6
        )
    )) AS chosen
    FROM (
        SELECT *, dictGetOrDefault('judge_plan_now', ({_PLAN}), tuple('{unit}'), {_NO_PLAN}) AS plan
        FROM (
            SELECT {given}, start AS request_start, {segment}, {bits} AS bits
            FROM {source}
            WHERE {where}
        )
        WHERE bits >= (1 - dictGetOrDefault('judge_plan_now', 'ceiling', tuple('{unit}'), 0.)) * {_ALL}
    )
)"""


# What a trace said is looked up when its turn comes; it need not be on one span.
_UNREAD: Final = {"span_id": "''", "operation": "''", "system": "''", "input": "''", "output": "''"}
_FIRST: Final = "is_first AND NOT is_again"

SAMPLING_VIEWS: Final = (
    View(
        "llm_spans_to_judge_queue",
        "judge_queue",
        sampled(
            "request",
            "llm_spans",
            "is_request AND NOT is_abandoned AND operation != 'embeddings' AND (NOT is_error OR output != '')",
        ),
    ),
    # Requests that no span stood for when it came: those under the root of a web framework.
    View(
        "llm_traces_to_judge_queue",
        "judge_queue",
        sampled("request", "llm_traces", f"{_FIRST} AND NOT was_counted AND NOT is_error", replaced=_UNREAD),
    ),
    View(
        "llm_traces_whole_to_judge_queue",
        "judge_queue",
        sampled("trace", "llm_traces", _FIRST, replaced=_UNREAD),
    ),
    View(
        "llm_sessions_to_judge_queue",
        "judge_queue",
        sampled(
            "session",
            "llm_sessions",
            _FIRST,
            bits=_OF_SESSION,
            replaced={**_UNREAD, "trace_id": "''", "unit_id": "session_id", "is_error": "false"},
        ),
    ),
)
