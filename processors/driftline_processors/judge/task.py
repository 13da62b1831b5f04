"""What goes through the judge: a task comes out of the queue, a judgement goes into ``evaluations``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from decimal import Decimal

Unit = Literal["request", "trace", "session", "anchor"]
"""What is judged as one: an answer, an answer with the steps before it, a conversation, a golden example."""

Key = tuple[str, str]
"""Trace and span id."""

NO_CONTENT: Final = "no content"
"""Error of a request whose answer was not recorded, so that there is nothing to judge."""


PAUSED: Final = "paused"
"""Error of a task that was not judged because its endpoint keeps failing; see ``breaker``."""

POSTPONED: Final = frozenset({PAUSED})
"""Errors that say nothing about the task: it is to be judged later, not counted as a failure."""


@dataclass(frozen=True, slots=True)
class Task:
    """A request chosen for judging.

    Attributes:
        segment: values of ``DIMENSIONS``.
        inclusion_probability: with which the request was chosen.
        system: instructions to the assistant, as stored (see ``driftline_store.content``).
        input: conversation up to the answer, as stored.
        output: the answer, as stored; '' when it was not recorded with the request.
        unit: what is judged as one.
        steps: of a trace, or turns of a session: a JSON list of ``name``, ``input``, ``output`` and ``error``.
        evaluator: name of the one that is to judge it.
    """

    trace_id: str
    span_id: str
    request_start: datetime
    segment: tuple[str, ...]
    inclusion_probability: float
    system: str
    input: str
    output: str
    unit: Unit = "request"
    steps: str = ""
    evaluator: str = ""

    @property
    def key(self) -> Key:
        """Trace and span id."""
        return self.trace_id, self.span_id


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge says about a task.

    Attributes:
        score: 0 (bad) to 1 (good) in steps of 0.1; None when there is none.
        label: ``pass`` or ``fail``; '' without a score.
        explanation: the judge's reasons.
        cost: USD of all calls that it took, as far as their price is known; else None.
        error: class of what prevented a score; '' with one.
        criteria: names and scores, 0 to 1, of what was scored by itself.
        response_model: that answered, by its own account.
        fingerprint: of the instrument; scores of different ones are not comparable as they stand.
        cached: whether it was taken over from an identical answer's, without a call.
        tokens_in: input tokens of all calls.
        tokens_out: output tokens of all calls.
        calls: of the endpoint, failed ones included.
    """

    score: float | None = None
    label: str = ""
    explanation: str = ""
    cost: Decimal | None = None
    error: str = ""
    criteria: tuple[tuple[str, float], ...] = ()
    response_model: str = ""
    fingerprint: str = ""
    cached: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0

    @property
    def is_postponed(self) -> bool:
        """Whether it says nothing about its task, which is to be judged later; calls before can have cost money."""
        return self.error in POSTPONED


COLUMNS: Final = (
    *("trace_id", "span_id", "response_id", "request_start", "at", *DIMENSIONS),
    *("name", "source", "score", "label", "explanation"),
    *("evaluator", "inclusion_probability", "cost", "error"),
)


def row(task: Task, judgement: Judgement, name: str, evaluator: str) -> list[object]:
    """The row of ``evaluations``, values of ``COLUMNS``."""
    return [
        *(task.trace_id, task.span_id, "", task.request_start, datetime.now(UTC), *task.segment),
        *(name, "judge", judgement.score, judgement.label, judgement.explanation),
        *(evaluator, task.inclusion_probability, judgement.cost, judgement.error),
    ]
