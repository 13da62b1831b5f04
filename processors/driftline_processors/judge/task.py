"""What goes through the judge: a task comes out of the queue, a judgement goes into ``evaluations``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from driftline.otlp.decode import UnreadableError
from driftline_store.content import plain_text

if TYPE_CHECKING:
    from decimal import Decimal

Unit = Literal["request", "trace", "session", "anchor"]

Key = tuple[str, str, str, str]
"""What is judged once: evaluator, run, unit and id of the unit."""

NO_CONTENT: Final = "no content"
"""Error of a request whose answer was not recorded, so that there is nothing to judge."""

PAUSED: Final = "paused"
"""Error of a task that was not judged because its endpoint keeps failing; so that it is asked no more for a while."""

POSTPONED: Final = frozenset({PAUSED})
"""Errors that say nothing about the task: it is to be judged later, not counted as a failure."""

TASKS_TOPIC: Final = "judge_tasks"
"""Values are tasks in JSON."""

JUDGEMENTS_TOPIC: Final = "judgements"
"""Values are serialized ``ExportLogsServiceRequest`` messages with one ``gen_ai.evaluation.result`` each."""

WORKERS: Final = "judge-workers"
"""Group of the processes that judge."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something chosen for judging.

    Attributes:
        trace_id: of the request, or of a session's last one.
        span_id: of the request; '' where the unit is no span.
        request_start: of the request, or of what begins the unit.
        segment: values of ``DIMENSIONS``.
        inclusion_probability: with which it was chosen.
        system: instructions to the assistant, as stored (see ``driftline_store.content``).
        input: conversation up to the answer, as stored.
        output: the answer, as stored; '' when it was not recorded.
        unit: what is judged as one.
        unit_id: of the trace, session or anchor.
        evaluator: name of who judges it.
        steps: of a trace or session, as a JSON list of objects with ``name``, ``input``, ``output`` and ``error``.
        tier: lowest threshold that chose it: ``base``, ``raised`` or ``boost``.
        uniform_probability: with which any request of its segment was chosen, whatever became of it.
        run: what asked for it; '' is production.
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
    unit_id: str = ""
    evaluator: str = "quality"
    steps: str = ""
    tier: str = "base"
    uniform_probability: float = 0.0
    run: str = ""

    @property
    def key(self) -> Key:
        """What is judged once."""
        return self.evaluator, self.run, self.unit, self.unit_id


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the judge says about a task.

    Attributes:
        score: 0 (bad) to 1 (good) in steps of 0.1; None when there is none.
        label: ``pass`` or ``fail``; '' without a score.
        explanation: the judge's reasons.
        cost: USD of all calls that it took, as far as their price is known; else None.
        error: class of what prevented a score; '' with one.
        criteria: name and score, 0 to 1, of each criterion.
        response_model: that answered.
        fingerprint: of the instrument.
        cached: whether an earlier score of the same content was taken.
        tokens_in: of all calls.
        tokens_out: of all calls.
        calls: how many it took.
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


def encode(task: Task, most: int) -> bytes:
    """The message of a task; the middle of its texts is left out if it would be longer than ``most`` bytes."""
    value = _message(task)
    if len(value) <= most:
        return value
    # Four texts, of characters with up to six bytes in JSON.
    share = most // 30
    system, asked, answer = (shortened(plain_text(text), share) for text in (task.system, task.input, task.output))
    steps = _short_steps(task.steps, share)
    return _message(replace(task, system=system, input=asked, output=answer, steps=steps))


def shortened(text: str, most: int) -> str:
    """A text without its middle, if it has more characters than ``most``."""
    left_out = len(text) - most
    if left_out <= 0:
        return text
    half = most // 2
    return f"{text[:half]}\n[... {left_out} characters left out ...]\n{text[-half:]}"


def _short_steps(steps: str, most: int) -> str:
    if not steps:
        return ""
    listed = json.loads(steps)
    share = most // (2 * len(listed) + 1)
    said = [{**one, **{name: shortened(one[name], share) for name in ("input", "output")}} for one in listed]
    return json.dumps(said, ensure_ascii=False)


def _message(task: Task) -> bytes:
    values = asdict(task) | {"request_start": task.request_start.timestamp()}
    return json.dumps(values, ensure_ascii=False).encode(errors="surrogatepass")


def decode(message: bytes) -> Task:
    """The task of a message.

    Raises:
        UnreadableError: it is none.
    """
    try:
        values: dict[str, Any] = json.loads(message)
        start = datetime.fromtimestamp(float(values["request_start"]), UTC)
        return Task(**values | {"request_start": start, "segment": tuple(values["segment"])})
    except (ValueError, TypeError, KeyError, OverflowError, OSError):
        raise UnreadableError("it is no task of the judge in JSON") from None
