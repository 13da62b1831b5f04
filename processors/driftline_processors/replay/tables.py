"""Which tables a replay derives again, by what their rows are recognised, and what it leaves alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from driftline_store.feedback import IS_DOWN, IS_REPORT, IS_SIGNAL, IS_UP

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Rows:
    """A table whose rows come from messages.

    Attributes:
        key: columns by which a row that is derived again finds the live one; what conventions do not change.
        arrived: column with the time at which a row was stored. Live rows from before the replayed time stay, and
            each row that is derived again takes the place of one. Empty: it takes the place of all with its key.
        taken_over: columns whose live value a row keeps when it is derived again.
        told: condition on live rows that came from messages; others stay.
        keys_of: another table, any row of which that is derived again makes a live row with its key void.
        event: column with the time that sums count the row at; empty if none do.
        summed: aggregate whose daily value sums know as ``Sums.counts``: tells whether rows have expired.
        figures: title -> aggregate, to compare before and after.
    """

    table: str
    key: tuple[str, ...]
    arrived: str = ""
    taken_over: tuple[str, ...] = ()
    told: str = "true"
    keys_of: str = ""
    event: str = ""
    summed: str = ""
    figures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sums:
    """A table of sums, made anew for whole days out of the rows.

    Attributes:
        at: column with the begin of what a row sums.
        counts: source of rows -> aggregate over the sums that equals its ``Rows.summed`` of a day.
        counted: condition on the sums that ``counts`` looks at.
        untouched: condition on sums that a replay must not change.
        figures: title -> aggregate, to compare before and after.
    """

    table: str
    at: str
    counts: Mapping[str, str]
    counted: str = "true"
    untouched: str = "false"
    figures: Mapping[str, str] = field(default_factory=dict)


ROWS: Final = (
    Rows(
        "llm_spans",
        key=("trace_id", "span_id", "start_unix_nano"),
        arrived="arrived",
        taken_over=("start", "arrived"),  # the start of a span whose clock was wrong is when it came
        event="start",
        summed="countIf(is_call)",
        figures={
            "spans": "count()",
            "calls": "countIf(is_call)",
            "requests": "countIf(is_request)",
            "cost, USD": "round(toFloat64(sum(cost)), 6)",
            "calls without a price": "countIf(is_call AND cost IS NULL)",
            "errors": "countIf(is_error)",
            "fallbacks": "countIf(fallback_reason != '')",
        },
    ),
    Rows("unpriced_calls", key=("trace_id", "span_id"), keys_of="llm_spans"),
    # A span that is derived again has the present price, so it needs no correction.
    Rows("cost_corrections", key=("trace_id", "span_id"), keys_of="llm_spans", event="start"),
    Rows("llm_content", key=("trace_id", "span_id"), figures={"contents from log events": "count()"}),
    Rows(
        "evaluations",
        key=("trace_id", "span_id", "response_id", "name"),
        arrived="at",
        taken_over=("at",),
        told="source != 'judge' AND evaluator = ''",  # what names a judge or a labeller was stored by itself
        event="request_start",
        summed="countIf(source = 'judge' AND run = '' AND unit != 'anchor') + "
        f"countIf({IS_UP} OR {IS_DOWN} OR {IS_REPORT} OR {IS_SIGNAL})",
        figures={"scores and feedback": "count()"},
    ),
)

SUMS: Final = (
    Sums(
        "llm_rollups",
        at="at",
        counted="resolution = 'day'",
        # Detectors have seen them, and must not see them change.
        untouched="resolution = 'arrival'",
        counts={
            "llm_spans": "sum(calls)",
            "evaluations": "sum(judged) + sum(judge_failures) + sum(thumbs_up) + sum(thumbs_down) + sum(reports) "
            "+ arraySum(mapValues(sumMap(signals)))",
        },
        figures={
            "calls": "sumIf(calls, resolution = 'day')",
            "requests": "sumIf(requests, resolution = 'day')",
            "cost, USD": "round(toFloat64(sumIf(cost, resolution = 'day')), 6)",
        },
    ),
)

LEFT_OUT: Final[Mapping[str, str]] = {
    "judge_queue": "nothing is judged twice",
    "judged_rollups": "sums of judgements, which no message of a replay has",
    "evaluations_pending": "was filed, or waits as it came",
    "unpriced_models": "counts what came",
    "collector_reports": "are compared with what was stored then",
}
"""Targets of views that a replay does not derive again, and why."""
