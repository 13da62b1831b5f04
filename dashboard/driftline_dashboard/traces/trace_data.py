"""One trace: its steps, what was said about it, and the texts of a step. All by its id and bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from driftline_dashboard.store import LIMITS, reading
from driftline_store.content import decode
from driftline_store.costs import call_costs

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from driftline_store.content import ChatMessage

MOST_STEPS: Final = 500
_MOST_SCORES: Final = 200
_TTL: Final = 30
"""Seconds: what comes late, such as a score, is seen after so long."""

_OF_TRACE: Final = "trace_id = {trace:String}"
_STEP_FIELDS: Final = (
    "span_id", "parent_span_id", "name", "start", "duration", "feature", "model", "prompt_name", "prompt_version",
    "operation", "tool_name", "is_call", "is_request", "input_tokens", "output_tokens", "time_to_first_token",
    "finish_reason", "is_error", "error_class", "error_type", "error_message", "fallback_reason", "session_id",
)  # fmt: skip
_SAID_HERE: Final = f"""\
system != '' OR input != '' OR output != '' OR span_id IN (SELECT span_id FROM llm_content WHERE {_OF_TRACE})"""

# A span that was sent twice is one step.
_STEPS: Final = f"""\
SELECT {", ".join(_STEP_FIELDS)}, {_SAID_HERE} AS has_texts, count() OVER () AS there_are
FROM (SELECT * FROM llm_spans WHERE {_OF_TRACE} ORDER BY duration DESC LIMIT 1 BY span_id)
ORDER BY start, span_id LIMIT {MOST_STEPS}"""

_COSTS: Final = f"SELECT span_id, is_error, cost FROM ({call_costs(_OF_TRACE)}) LIMIT 10000"

_SCORES: Final = f"""\
SELECT at, span_id, source, name, score, label, explanation, evaluator, error, run
FROM evaluations WHERE {_OF_TRACE} ORDER BY at LIMIT {_MOST_SCORES}"""

_TEXTS: Final = f"""\
SELECT system, input, output FROM llm_spans WHERE {_OF_TRACE} AND span_id = {{span:String}}
UNION ALL
SELECT system, input, output FROM llm_content WHERE {_OF_TRACE} AND span_id = {{span:String}}
LIMIT 100"""

# Texts have their own place; of a step that was sent twice, one is enough.
_STORED: Final = f"""\
SELECT * EXCEPT (system, input, output) FROM llm_spans WHERE {_OF_TRACE} AND span_id = {{span:String}} LIMIT 1"""

_TALK: Final = ("system", "user", "assistant")
_WORK: Final = ("system", "input", "output")
"""Who speaks in the three columns of texts where they do not say: in a talk with a model, and in another step."""


@dataclass(frozen=True)
class Step:
    """One span; its texts are read apart. All strings are as the application sent them, so escape them.

    Attributes:
        duration: seconds.
        time_to_first_token: seconds; None where it was not sent.
        has_texts: whether anything that was said in it is stored.
        cost: USD; None where it is no call, or its price is not known.
    """

    span_id: str
    parent_span_id: str
    name: str
    start: datetime
    duration: float
    feature: str
    model: str
    prompt_name: str
    prompt_version: str
    operation: str
    tool_name: str
    is_call: bool
    is_request: bool
    input_tokens: int | None
    output_tokens: int | None
    time_to_first_token: float | None
    finish_reason: str
    is_error: bool
    error_class: str
    error_type: str
    error_message: str
    fallback_reason: str
    session_id: str
    has_texts: bool
    cost: Decimal | None


@dataclass(frozen=True)
class Score:
    """What somebody said about a trace or one of its steps.

    Attributes:
        source: judge, human or rule.
        score: from 0 (bad) to 1 (good); None where there is none.
        evaluator: fingerprint of model and rubric; '' of people.
        error: why a judge gave no score.
        run: '' in production, else what asked for it.
    """

    at: datetime
    span_id: str
    source: str
    name: str
    score: float | None
    label: str
    explanation: str
    evaluator: str
    error: str
    run: str


@dataclass(frozen=True)
class Trace:
    """What is stored of a trace.

    Attributes:
        steps: by start, at most ``MOST_STEPS``; none of a trace that is unknown or deleted.
        there_are: how many steps it has.
        cost: USD, of all its calls; None where the price of one is not known, or there is none.
        scores: oldest first.
    """

    trace_id: str
    steps: tuple[Step, ...]
    there_are: int
    cost: Decimal | None
    scores: tuple[Score, ...]

    @property
    def request(self) -> Step:
        """The step that stands for the whole: its request, else one that nothing is above of, else the first."""
        ids = {step.span_id for step in self.steps}
        requests = [step for step in self.steps if step.is_request]
        tops = [step for step in self.steps if step.parent_span_id not in ids]
        return (requests or tops or list(self.steps))[0]

    def step(self, span_id: str) -> Step:
        """The step with an id; without such, the one that says most: the request, else the last with texts."""
        found = next((step for step in self.steps if step.span_id == span_id), None)
        if found is not None:
            return found
        telling = [step for step in self.steps if step.has_texts]
        return self.request if self.request.has_texts or not telling else telling[-1]


@st.cache_data(ttl=_TTL, max_entries=50, show_spinner=False)
def trace(trace_id: str) -> Trace:
    """What is stored of a trace.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    parameters = {"trace": trace_id}
    with reading("a trace") as client:
        rows = client.query(_STEPS, parameters=parameters, settings=LIMITS).result_rows
        costs = client.query(_COSTS, parameters=parameters, settings=LIMITS).result_rows if rows else []
        scores = client.query(_SCORES, parameters=parameters, settings=LIMITS).result_rows
    cost_of = {span: cost for span, _, cost in costs}
    steps = tuple(Step(*(*row[:-1], cost_of.get(row[0]))) for row in rows)
    there_are = rows[0][-1] if rows else 0
    return Trace(trace_id, steps, there_are, _total(costs), tuple(Score(*row) for row in scores))


@st.cache_data(ttl=_TTL, max_entries=20, show_spinner=False)
def conversation(trace_id: str, step: Step) -> tuple[ChatMessage, ...]:
    """What was said in a step, in order, from its span and from its log events.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    with reading("the texts of a step") as client:
        parameters = {"trace": trace_id, "span": step.span_id}
        rows = client.query(_TEXTS, parameters=parameters, settings=LIMITS).result_rows
    roles = _TALK if step.is_call or step.is_request else _WORK
    columns = zip(roles, zip(*rows, strict=True), strict=False)
    return tuple(message for role, texts in columns for text in dict.fromkeys(texts) for message in decode(text, role))


@st.cache_data(ttl=_TTL, max_entries=20, show_spinner=False)
def stored(trace_id: str, span_id: str) -> dict[str, str]:
    """All that is stored of a step but its texts: columns that say something, then attributes by their keys.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    with reading("what is stored of a step") as client:
        parameters = {"trace": trace_id, "span": span_id}
        rows = list(client.query(_STORED, parameters=parameters, settings=LIMITS).named_results())
    columns: dict[str, Any] = rows[0] if rows else {}
    attributes = columns.pop("attributes", {})
    told = {name: _shown(value) for name, value in columns.items() if value not in (None, "", [])}
    return told | dict(sorted(attributes.items()))


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _total(costs: Any) -> Decimal | None:
    """Of all calls; errors without a price cost nothing."""
    is_unknown = any(cost is None and not is_error for _, is_error, cost in costs)
    known = [cost for _, _, cost in costs if cost is not None]
    return None if is_unknown or not known else sum(known[1:], known[0])
