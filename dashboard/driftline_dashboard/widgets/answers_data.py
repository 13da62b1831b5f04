"""The newest requests one by one, with what people and the judge said about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from driftline_alerts.drift.worst import worst_of
from driftline_dashboard.data import instrument, period
from driftline_dashboard.store import LIMITS, reading
from driftline_dashboard.widgets.judged import IS_JUDGED, LAST_SCORES, LAST_WORDS
from driftline_store.content import decode, plain_text
from driftline_store.costs import call_costs
from driftline_store.feedback import IS_DOWN, IS_REPORT, SIGNALS, listed
from driftline_store.filters import filtered
from driftline_store.labels import IS_LABEL, micros

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from clickhouse_connect.driver.client import Client

    from driftline_dashboard.data import Period
    from driftline_dashboard.view import View
    from driftline_store.examples import Key

MOST: Final = 30
LOW_SCORE: Final = 0.5
"""A judge's score below which an answer counts as bad."""

_SLACK: Final = timedelta(hours=1)
"""How long before or after its request's start a call of the same trace may begin."""


@dataclass(frozen=True)
class Judgement:
    """The last one of an answer, as ``judged`` says which.

    Attributes:
        score: None where it failed.
        error: why it failed.
        other: who judged, where that is not the judge of the page's numbers; else ''.
    """

    score: float | None
    label: str
    explanation: str
    error: str
    other: str = ""


@dataclass(frozen=True)
class Answer:
    """One request, or another step; texts are as users wrote them, so escape them.

    Attributes:
        question: what the user said last.
        asked: all that the model was given, but for system instructions kept apart.
        answered: what it answered.
        cost: USD, of a request of all its calls; None where the price of a call is not known.
        price_version: where the prices come from; of several, all.
        reported_cost: USD, as the instrumentation claims; None unless all calls have it.
        name: of the step; '' of a request.
    """

    trace_id: str
    span_id: str
    start: datetime
    feature: str
    model: str
    prompt_version: str
    seconds: float
    is_error: bool
    error_class: str
    error_message: str
    fallback_reason: str
    question: str
    asked: str
    answered: str
    cost: Decimal | None = None
    price_version: str = ""
    reported_cost: float | None = None
    judgement: Judgement | None = None
    thumbs: Mapping[str, int] = field(default_factory=dict)
    name: str = ""


_DURING: Final = """\
start >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') AND start < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"""
_LATELY: Final = "at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')"
_DISLIKED: Final = f"SELECT trace_id FROM evaluations WHERE {_LATELY} AND ({IS_DOWN} OR {IS_REPORT})"
_LOW: Final = f"SELECT trace_id FROM ({LAST_SCORES.replace('CONDITION', _LATELY)}) WHERE points < {{low:Float64}}"
_BAD: Final = f"(is_error OR fallback_reason != '' OR trace_id IN ({_DISLIKED}) OR trace_id IN ({_LOW}))"

# The texts are read in a second step, of those that are shown.
_PICKED: Final = f"""\
SELECT trace_id, span_id, start
FROM llm_spans{{joins}}
WHERE is_request AND {_DURING.replace("{", "{{").replace("}", "}}")}{{conditions}}
ORDER BY {{order}} LIMIT {MOST}"""
_JUDGED: Final = f"INNER JOIN ({LAST_SCORES.replace('CONDITION', _LATELY)}) AS judged USING trace_id"


@dataclass(frozen=True)
class _Pick:
    """Which requests are picked out of those of a view.

    Attributes:
        order: what comes first.
        where: condition.
        joins: tables beside the spans.
    """

    order: str = "start DESC"
    where: str = ""
    joins: str = ""


_PICKS: Final = {
    "newest": _Pick(),
    "bad": _Pick(where=_BAD),
    "worst": _Pick("judged.points, start DESC", joins=_JUDGED),
    "negative": _Pick(where=f"trace_id IN ({_DISLIKED})"),
    "random": _Pick("sipHash64(trace_id, span_id, {seed:UInt32})"),
}

_FIELDS: Final = """\
trace_id, span_id, start, feature, model, prompt_version, duration, is_error, error_class, error_message,
    fallback_reason, input, output"""

# By the times first, as the table is ordered by them.
_STEPS: Final = f"""\
SELECT {_FIELDS}, if(is_request, '', if(tool_name != '', tool_name, name)) AS step
FROM llm_spans
WHERE start IN (SELECT fromUnixTimestamp64Micro(arrayJoin({{starts:Array(Int64)}}), 'UTC'))
    AND trace_id IN {{traces:Array(String)}} AND span_id IN {{spans:Array(String)}}
LIMIT 1 BY trace_id, span_id"""

_OF_ANSWERS: Final = """\
trace_id IN {traces:Array(String)} AND start >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND start < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"""

# The span that stands for the request: marked as one, else the root, else the first.
_OF_TRACES: Final = f"""\
SELECT {_FIELDS}, '' AS step
FROM llm_spans
WHERE {_OF_ANSWERS}
ORDER BY NOT is_request, parent_span_id != '', start LIMIT 1 BY trace_id"""

_COSTS: Final = f"""\
SELECT KEY AS of,
    if(countIf(cost IS NULL AND NOT is_error) = 0, sum(cost), NULL) AS dollars,
    arrayStringConcat(arraySort(groupUniqArrayIf(price_version, price_version != '')), ', ') AS prices,
    if(countIf(reported_cost IS NULL AND NOT is_error) = 0, sum(reported_cost), NULL) AS reported
FROM ({call_costs(_OF_ANSWERS)})
GROUP BY of"""

_EVALUATIONS: Final = f"""\
SELECT trace_id AS of,
    argMaxIf(
        (score, label, explanation, error, if(evaluator = {{judge:String}}, '', firstNonDefault(evaluator, name))),
        ({LAST_WORDS}), source = 'judge'
    ) AS last,
    if(countIf(source = 'judge') = 0, [], [last]) AS judged,
    sumMapIf(map(toString(if(name IN {listed(SIGNALS)}, name, label)), 1::UInt64), source = 'human') AS thumbs
FROM evaluations
WHERE trace_id IN {{traces:Array(String)}} AND ({IS_JUDGED} OR source = 'human' AND NOT {IS_LABEL})
GROUP BY of"""

# One statement for all that is told of an answer: each more would cost as long as it takes to read it.
_TOLD: Final = f"""\
SELECT {_FIELDS}, paid.dollars, paid.prices, paid.reported, said.judged, said.thumbs, step
FROM (STEPS) AS steps
LEFT JOIN ({_COSTS}) AS paid ON paid.of = steps.KEY
LEFT JOIN ({_EVALUATIONS}) AS said ON said.of = steps.trace_id"""

_CONTENT: Final = """\
SELECT input, output FROM llm_content WHERE trace_id = {trace:String}
UNION ALL
SELECT input, output FROM llm_spans
WHERE is_call AND trace_id = {trace:String} AND start >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND start < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"""


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def picked(view: View, as_of: datetime, kind: str, seed: int = 0) -> list[Answer]:
    """Some requests of the view, at most ``MOST``.

    Args:
        view: what is looked at.
        as_of: the moment.
        kind: ``newest``; ``bad``, the newest that failed, fell back, were disliked or scored low; ``worst`` judged
            first; ``negative``, the newest that were disliked; or ``random``.
        seed: another one draws others by chance.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span, judge = period(view, as_of), instrument(view, as_of)
    conditions, bound = filtered(view.where)
    parameters: dict[str, Any] = {"since": micros(span.since), "until": micros(span.until), **bound}
    parameters |= {"low": LOW_SCORE, "judge": judge, "seed": seed}
    pick = _PICKS[kind]
    tail = "".join(f"\n    AND {condition}" for condition in (*conditions, *filter(None, [pick.where])))
    query = _PICKED.format(joins=f"\n{pick.joins}", conditions=tail, order=pick.order)
    with reading("the recent answers") as client:
        rows = client.query(query, parameters=parameters, settings=LIMITS).result_rows
        starts = {(trace, span): start for trace, span, start in rows}  # one that two workers stored is there twice
        return steps(client, list(starts), list(starts.values()), judge, of_requests=True)


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def worst(view: View, span: Period, metric: str, judge: str, **only: str) -> list[Answer]:
    """The requests of a time that were worst by a metric, the worst first, at most ``MOST``.

    Args:
        view: filters.
        span: when they began.
        metric: one of ``driftline_alerts.drift.worst.SEARCHES``.
        judge: fingerprint of the instrument that the page's numbers are of.
        only: error class or fallback reason that they have.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    query, parameters = worst_of(metric, view.where, span.since, span.until, MOST, instrument=judge, only=only)
    with reading("the worst answers") as client:
        found = client.query(query, parameters=parameters, settings=LIMITS).result_rows
        if not found:
            return []
        traces, starts = [row[0] for row in found], [row[2] for row in found]
        answers = {one.trace_id: one for one in _told(client, _OF_TRACES, "trace_id", _of(traces, starts, judge))}
        return [answers[trace] for trace in traces if trace in answers]  # spans leave before their scores do


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def content(answer: Answer) -> tuple[str, str]:
    """Question and answer of a request; from its calls or its log events where the request has none itself.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    asked, answered = answer.asked, answer.answered
    if asked and answered:
        return asked, answered
    parameters = {"trace": answer.trace_id, **_around(answer.start, answer.start)}
    with reading("the text of an answer") as client:
        rows = client.query(_CONTENT, parameters=parameters, settings=LIMITS).result_rows
    for found_input, found_output in rows:
        asked = asked or plain_text(found_input)
        answered = answered or plain_text(found_output)
    return asked, answered


def steps(
    client: Client, keys: Sequence[Key], starts: Sequence[datetime], judge: str, *, of_requests: bool
) -> list[Answer]:
    """Steps with what people and the judge said of their traces.

    Args:
        client: of the store.
        keys: trace and span ids.
        starts: of the steps.
        judge: fingerprint of the instrument that the page's numbers are of.
        of_requests: whether costs are those of whole traces, else of the steps themselves.

    Returns:
        those that are stored, in the order of the keys.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a query.
    """
    if not keys:
        return []
    traces, spans = zip(*keys, strict=True)
    key = "trace_id" if of_requests else "span_id"
    parameters = _of(traces, starts, judge) | {"spans": list(spans), "starts": list(map(micros, starts))}
    found = {(one.trace_id, one.span_id): one for one in _told(client, _STEPS, key, parameters)}
    return [found[key] for key in keys if key in found]


def _of(traces: Sequence[str], starts: Sequence[datetime], judge: str) -> dict[str, Any]:
    """Parameters of what is told of steps that are found by their traces."""
    return {"traces": list(traces), "judge": judge, **_around(min(starts), max(starts))}


def _told(client: Client, steps: str, key: str, parameters: dict[str, Any]) -> list[Answer]:
    """The steps that a statement finds, in any order, with their costs by a key and what was said of their traces."""
    query = _TOLD.replace("STEPS", steps).replace("KEY", key)
    return [_answer(*row) for row in client.query(query, parameters=parameters, settings=LIMITS).result_rows]


def _answer(*row: Any) -> Answer:
    *known, asked, answered, cost, prices, reported, judged, thumbs, name = row
    texts = (question(asked), plain_text(asked), plain_text(answered))
    judgement = Judgement(*judged[0]) if judged else None
    return Answer(*(*known, *texts, cost, prices, reported, judgement, thumbs, name))


def question(content: str) -> str:
    """What the user said last, of a stored input."""
    messages = decode(content)
    said = [message.text for message in messages if message.role == "user" and message.text]
    return said[-1] if said else plain_text(content)


def _around(first: datetime, last: datetime) -> dict[str, int]:
    return {"since": micros(first - _SLACK), "until": micros(last + _SLACK)}
