"""One row of a file of labels: checked, so that a mistake is told by what was expected and what came."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from driftline_store.feedback import SIGNALS
from driftline_store.labels import FAIL, PASS
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS: Final = (
    *("trace_id", "span_id", "response_id"),
    *("name", "score", "label", "labeller", "note", "at", "probability"),
)
"""What a row may say."""

CONTENT: Final = ("system", "input", "output")
"""What an exported row has besides, for people to read; it is not taken in."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a row does not say.

    Attributes:
        name: of the evaluation.
        labeller: who labelled.
        pass_score: from which score on an answer passes.
    """

    name: str
    labeller: str
    pass_score: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A label as the file has it.

    Attributes:
        line: of the file, from 1.
        trace_id, span_id, response_id: what it names its answer by; '' where it does not.
        at: when it was given; None: not said.
        probability: with which a judged answer was drawn to be labelled; 0: not said.
    """

    line: int
    trace_id: str
    span_id: str
    response_id: str
    name: str
    score: float
    label: str
    labeller: str
    note: str
    at: datetime | None
    probability: float


def entry(line: int, row: Mapping[str, str], defaults: Defaults) -> Entry | None:
    """Check a row.

    Returns:
        the label; None where the row has neither score nor label yet, as one that waits for its labeller.

    Raises:
        ValueError: it is wrong; says how.
    """
    for key in row:
        if key not in FIELDS and key not in CONTENT:
            raise ValueError(f"there is no column {key!r}; {closest(key, FIELDS)}")
    said = {field: row.get(field, "").strip() for field in FIELDS}
    if not said["score"] and not said["label"]:
        return None
    if not said["trace_id"] and not said["response_id"]:
        raise ValueError("it names no answer; give a trace_id or a response_id")
    score = _share(said["score"], "score") if said["score"] else None
    label = _verdict(said["label"]) if said["label"] else ""
    return Entry(
        line,
        _hexadecimal(said["trace_id"], "trace_id", 32),
        _hexadecimal(said["span_id"], "span_id", 16),
        said["response_id"],
        _name(said["name"] or defaults.name),
        float(label == PASS) if score is None else score,
        label or (FAIL if score is None or score < defaults.pass_score else PASS),
        said["labeller"] or defaults.labeller,
        said["note"],
        _time(said["at"]) if said["at"] else None,
        _probability(said["probability"]) if said["probability"] else 0.0,
    )


def _share(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise ValueError(f"{what} {text!r} is not a number from 0 to 1; divide by the highest that your scale has")
    return value


def _probability(text: str) -> float:
    value = _share(text, "probability")
    if value == 0:
        raise ValueError("probability is 0, with which it cannot have been drawn; leave it empty if it is not known")
    return value


def _verdict(text: str) -> str:
    if text.lower() not in {PASS, FAIL}:
        raise ValueError(f"label {text!r} is neither {PASS!r} nor {FAIL!r}; say more in the note")
    return text.lower()


def _hexadecimal(text: str, what: str, digits: int) -> str:
    if text and not re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", text):
        raise ValueError(f"{what} {text!r} is not {digits} hexadecimal digits")
    return text.lower()


def _name(text: str) -> str:
    if text in SIGNALS:
        raise ValueError(f"name {text!r} is what users do, not an evaluation; name the judge's evaluation")
    return text


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"at {text!r} is no time such as 2026-11-20T08:00:00Z") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at > datetime.now(UTC):
        raise ValueError(f"at {text!r} has not come yet")
    return at
