"""The form in which the judging model has to answer, and reading what it did answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from driftline_processors.judge.rubric import Rubric
    from driftline_processors.judge.scale import Scale, Step

EXPLANATION: Final = "explanation"
SCORE: Final = "score"

MAX_EXPLANATION: Final = 4_000
"""Longest explanation that is kept, in characters."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says.

    Attributes:
        explanation: its reasons.
        score: of the whole, 0 to 1.
        criteria: names and scores, 0 to 1, of the rubric's criteria.
    """

    explanation: str
    score: float
    criteria: tuple[tuple[str, float], ...] = ()


def asked(rubric: Rubric) -> tuple[str, ...]:
    """Keys of the JSON, in the order in which they are to be written: a score follows from its reasons."""
    return (EXPLANATION, *rubric.criteria, *((SCORE,) if rubric.overall == "judge" else ()))


def response_format(rubric: Rubric) -> dict[str, Any]:
    """``response_format`` of the request, for structured output."""
    step = _step_schema(rubric.scale)
    keys = asked(rubric)
    schema = {
        "type": "object",
        "properties": {key: {"type": "string"} if key == EXPLANATION else step for key in keys},
        "required": list(keys),
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": schema}}


def example(rubric: Rubric) -> str:
    """The JSON for the prompt, as not every endpoint honours ``response_format``."""
    worst = rubric.scale.steps[0]
    return json.dumps({key: "..." if key == EXPLANATION else worst for key in asked(rubric)})


def parse(text: str, rubric: Rubric) -> Verdict:
    """Read the judge's answer; what stands around the JSON, such as a code block, and further keys are ignored.

    Raises:
        ValueError: what is wrong, fit to be told to the model. It repeats nothing of the answer: a text that has
            talked the judge into writing something must not reach it again as our words.
    """
    found = _object(text[text.find("{") : text.rfind("}") + 1])
    explanation = found.get(EXPLANATION)
    if not isinstance(explanation, str):
        raise ValueError(f'"{EXPLANATION}" must be there, as a string')  # noqa: TRY004 - it is the answer's fault
    steps = {key: _share(found, key, rubric.scale) for key in asked(rubric) if key != EXPLANATION}
    criteria = tuple((name, steps[name]) for name in rubric.criteria)
    score = steps[SCORE] if rubric.overall == "judge" else _mean(rubric, steps)
    return Verdict(explanation[:MAX_EXPLANATION], score, criteria)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, object_pairs_hook=_without_doubles)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("it was not one JSON object and nothing else") from None
    assert isinstance(found, dict)  # noqa: S101 - it begins with a brace
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("it had a key twice")
    return dict(pairs)


def _share(found: dict[str, Any], key: str, scale: Scale) -> float:
    try:
        return scale.share(found[key])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f'"{key}" must be there, as {scale.told}') from None


def _mean(rubric: Rubric, steps: dict[str, float]) -> float:
    total = sum(one.weight for one in rubric.criteria.values())
    return sum(steps[name] * one.weight for name, one in rubric.criteria.items()) / total


def _step_schema(scale: Scale) -> dict[str, Any]:
    # An enumeration, as not every endpoint's strict mode knows minimum and maximum.
    steps: list[Step] = list(scale.steps)
    return {"type": "string" if isinstance(steps[0], str) else "integer", "enum": steps}
