"""``llm_spans``, ``evaluations`` and ``cost_corrections`` to sums per segment."""

from __future__ import annotations

from typing import Final

from driftline_processors.views.sums import COUNT_OF_BIN, NAMED_COUNT, Sum, count_if, rolled_up
from driftline_processors.views.view import View
from driftline_store.feedback import IS_DOWN, IS_REPORT, IS_SIGNAL, IS_UP, SUCCESS
from driftline_store.histogram import bin_sql
from driftline_store.metrics import DIMENSIONS

SEGMENT: Final = ", ".join(DIMENSIONS)

_SETTLED: Final = ""
"""A request is counted by arrival once it has settled, by ``driftline_processors.settle``."""


def _bins(column: str, value: str, condition: str, by_arrival: str | None = None) -> Sum:
    counted = f"sumMapIf(map({bin_sql(value)}, toInt64(1)), {condition})"
    return Sum(column, counted, COUNT_OF_BIN, by_arrival=by_arrival)


def _names(column: str, name: str, condition: str, by_arrival: str | None = None) -> Sum:
    counted = f"sumMapIf(map(toString({name}), toInt64(1)), {condition} AND {name} != '')"
    return Sum(column, counted, NAMED_COUNT, by_arrival=by_arrival)


_SPAN_SUMS: Final = (
    Sum("requests", count_if("is_request"), by_arrival=_SETTLED),
    Sum("request_errors", count_if("is_request AND is_error"), by_arrival=_SETTLED),
    _names("request_error_classes", "error_class", "is_request", by_arrival=_SETTLED),
    Sum("fallbacks", count_if("is_request AND fallback_reason != ''"), by_arrival=_SETTLED),
    _names("fallback_reasons", "fallback_reason", "is_request", by_arrival=_SETTLED),
    _bins("request_seconds", "duration", "is_request", by_arrival=_SETTLED),
    Sum("calls", count_if("is_call")),
    Sum("call_errors", count_if("is_call AND is_error")),
    _names("call_error_classes", "error_class", "is_call"),
    _bins("call_seconds", "duration", "is_call"),
    _bins("first_token_seconds", "ifNull(time_to_first_token, 0)", "is_call AND time_to_first_token IS NOT NULL"),
    _bins("call_cost", "toFloat64(ifNull(span.cost, 0))", "is_call AND span.cost IS NOT NULL"),
    _bins(
        "call_output_tokens", "toFloat64(ifNull(span.output_tokens, 0))", "is_call AND span.output_tokens IS NOT NULL"
    ),
    Sum("input_tokens", "toInt64(sumIf(ifNull(span.input_tokens, 0), is_call))"),
    Sum("output_tokens", "toInt64(sumIf(ifNull(span.output_tokens, 0), is_call))"),
    Sum("cached_tokens", "toInt64(sumIf(ifNull(cache_read_tokens, 0), is_call))"),
    Sum("cost", "sumIf(toDecimal128(ifNull(span.cost, 0), 12), is_call)"),
    Sum("unpriced_calls", count_if("is_call AND span.cost IS NULL AND NOT is_error")),
    Sum("estimated_calls", count_if("is_call AND tokens_estimated")),
    Sum("abandoned_calls", count_if("is_call AND is_abandoned")),
    Sum("checked", count_if("checks > 0")),
    Sum("check_failed", count_if("notEmpty(failed_checks)")),
    Sum(
        "check_failures",
        "sumMap(CAST(mapFromArrays(failed_checks, arrayResize([toInt64(1)], length(failed_checks), toInt64(1))), "
        f"'{NAMED_COUNT}'))",
        NAMED_COUNT,
    ),
    Sum("sessions", "uniqCombinedStateIf(13)(session_id, session_id != '')"),
    Sum("users", "uniqCombinedStateIf(13)(user_id, user_id != '')"),
)

_CORRECTION_SUMS: Final = (
    Sum("cost", "sum(toDecimal128(call.cost, 12))"),
    Sum("call_cost", f"sumMap(map({bin_sql('toFloat64(call.cost)')}, toInt64(1)))", COUNT_OF_BIN),
    # Calls that failed were not counted as unpriced.
    Sum("unpriced_calls", "-toInt64(countIf(NOT is_error))"),
)

_EVALUATION_SUMS: Final = (
    Sum("thumbs_up", count_if(IS_UP)),
    Sum("thumbs_down", count_if(IS_DOWN)),
    Sum("reports", count_if(IS_REPORT)),
    _names("signals", "name", IS_SIGNAL),
    Sum("successes", count_if(f"{IS_SIGNAL} AND name = '{SUCCESS}' AND score >= 0.5")),
    Sum("judged", count_if("is_judged")),
    Sum("judge_failures", count_if("source = 'judge' AND score IS NULL")),
    Sum("judged_w", "sumIf(w, is_judged)"),
    Sum("judged_ws", "sumIf(w * s, is_judged)"),
    Sum("judged_w2", "sumIf(w * w, is_judged)"),
    Sum("judged_w2s", "sumIf(w * w * s, is_judged)"),
    Sum("judged_w2s2", "sumIf(w * w * s * s, is_judged)"),
    Sum("judge_cost", "sumIf(toDecimal128(ifNull(row.cost, 0), 12), source = 'judge')"),
)

# Anchors and what is judged again are streams of their own, and never part of production's quality.
_EVALUATIONS: Final = """\
(
        SELECT * EXCEPT (evaluator), if(source = 'judge', evaluator, '') AS evaluator,
            source = 'judge' AND score IS NOT NULL AS is_judged,
            1 / if(inclusion_probability > 0, inclusion_probability, 1) AS w, ifNull(score, 0) AS s
        FROM evaluations
        WHERE source != 'judge' OR run = '' AND unit != 'anchor'
    ) AS row"""

_LEVEL: Final = "toInt16(round(s * 20))"
_WHOLE: Final = "criterion = ''"

_JUDGED_SUMS: Final = (
    Sum("judged", count_if("is_judged")),
    Sum("failures", count_if(f"NOT is_judged AND {_WHOLE}")),
    Sum("w", "sumIf(weight, is_judged)"),
    Sum("ws", "sumIf(weight * s, is_judged)"),
    Sum("w2", "sumIf(weight * weight, is_judged)"),
    Sum("w2s", "sumIf(weight * weight * s, is_judged)"),
    Sum("w2s2", "sumIf(weight * weight * s * s, is_judged)"),
    Sum("uniform_levels", f"sumMapIf(map({_LEVEL}, toInt64(1)), is_judged AND tier != 'boost')", COUNT_OF_BIN),
    Sum("base_levels", f"sumMapIf(map({_LEVEL}, toInt64(1)), is_judged AND tier = 'base')", COUNT_OF_BIN),
    Sum("cost", f"sumIf(toDecimal128(ifNull(row.cost, 0), 12), {_WHOLE})"),
)

_CRITERIA: Final = """\
(
        SELECT * EXCEPT (run), if(unit = 'anchor', '', run) AS run, -- each judgement of an anchor is a run of its own
            said.1 AS criterion, said.2 IS NOT NULL AS is_judged, ifNull(said.2, 0) AS s,
            1 / if(inclusion_probability > 0, inclusion_probability, 1) AS weight
        FROM (
            SELECT *, arrayJoin(arrayConcat(
                [('', score)], arrayMap((name, one) -> (toString(name), toNullable(one)), mapKeys(criteria),
                    mapValues(criteria))
            )) AS said
            FROM evaluations
            WHERE source = 'judge'
        )
    ) AS row"""

ROLLUP_VIEWS: Final = (
    View(
        "llm_spans_to_rollups",
        "llm_rollups",
        rolled_up(_SPAN_SUMS, "llm_spans AS span", at="start", arrived="arrived", where="is_call OR is_request"),
    ),
    View(
        "evaluations_to_rollups",
        "llm_rollups",
        rolled_up(_EVALUATION_SUMS, _EVALUATIONS, at="request_start", arrived="row.at", also=("evaluator",)),
    ),
    View(
        "evaluations_to_judged_rollups",
        "judged_rollups",
        rolled_up(
            _JUDGED_SUMS,
            _CRITERIA,
            at="request_start",
            arrived="row.at",
            also=("name", "evaluator", "criterion", "unit", "run"),
        ),
    ),
    View(
        "cost_corrections_to_rollups",
        "llm_rollups",
        rolled_up(_CORRECTION_SUMS, "cost_corrections AS call", at="start"),
    ),
)
