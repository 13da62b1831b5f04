"""The texts to be judged, each between markers that whoever wrote them cannot know.

The texts come from people and models that may try to talk to the judge. Their markers carry a code that is a hash
of all of them: to write it into one of them, its author would have to know the hash of a text that contains it.
A code that stands in a text all the same is replaced by the next one.
"""

from __future__ import annotations

import hashlib
import json
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from driftline_store.content import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from driftline_processors.judge.task import Task

ANSWER: Final = "ANSWER"

_HIDDEN: Final = (
    *range(0x09),
    *range(0x0B, 0x20),
    *range(0x7F, 0xA0),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x206A),
    *range(0xD800, 0xE000),  # halves of characters, which no request can be made of
    0xFEFF,
    *range(0xE0000, 0xE0080),
    *range(0xE0100, 0xE01F0),
)
"""Characters that a reader does not see and a model does, or that turn round what a reader sees."""

_SHOWN: Final = {code: f"<U+{code:04X}>" for code in _HIDDEN if code != ord("\r")}


class Section(NamedTuple):
    """A text with its title."""

    title: str
    text: str


def sections(task: Task) -> list[Section]:
    """What of a task the judge gets to read, in the order in which it happened."""
    if task.unit == "session":
        return [_section("INSTRUCTIONS TO THE ASSISTANT", task.system), *_turns(task.steps)]
    return [
        _section("INSTRUCTIONS TO THE ASSISTANT", task.system),
        _section("CONVERSATION", task.input),
        *_steps(task.steps),
        _section(ANSWER, task.output),
    ]


def laid_out(parts: Sequence[Section], max_chars: int) -> str:
    """The sections between their markers, as one text.

    Args:
        parts: in order; empty ones are left out, save the answer.
        max_chars: of all texts together; the longest ones lose their middle.
    """
    kept = [part for part in parts if part.text or part.title == ANSWER]
    code = _code(part.text for part in kept)
    longest = _longest([len(part.text) for part in kept], max_chars)
    body = "\n\n".join(
        f"BEGIN {part.title} {code}\n{_shortened(part.text, longest, code)}\nEND {part.title} {code}" for part in kept
    )
    return f"The code of the markers is {code}.\n\n{body}"


def length(parts: Sequence[Section]) -> int:
    """Characters of all texts."""
    return sum(len(part.text) for part in parts)


def _section(title: str, content: str) -> Section:
    return Section(title, plain_text(content).translate(_SHOWN))


def _turns(steps: str) -> Iterable[Section]:
    for number, step in enumerate(json.loads(steps or "[]"), 1):
        yield _section(f"TURN {number} OF THE PERSON", step["input"])
        yield _section(f"TURN {number} OF THE ASSISTANT", _outcome(step))


def _steps(steps: str) -> Iterable[Section]:
    for number, step in enumerate(json.loads(steps or "[]"), 1):
        # Its name is the application's word, or somebody's who could choose it, so it is inside as well.
        said = f"name: {step['name']}\n\ninput: {plain_text(step['input'])}\n\noutput: {_outcome(step)}"
        yield Section(f"STEP {number}", said.translate(_SHOWN))


def _outcome(step: dict[str, str]) -> str:
    failed = f"[failed: {step['error']}]" if step["error"] else ""
    return "\n".join(part for part in (plain_text(step["output"]), failed) if part)


def _code(texts: Iterable[str]) -> str:
    whole = "\0".join(texts)
    # Not random, so that a repeated judgement is the same request.
    codes = (hashlib.sha256(f"{attempt}\0{whole}".encode()).hexdigest()[:16] for attempt in count())
    return next(code for code in codes if code not in whole)


def _shortened(text: str, most: int, code: str) -> str:
    """A text without its middle, if it is too long; the mark carries the code, so that no author can set one."""
    left_out = len(text) - most
    if left_out <= 0:
        return text
    tail = most // 2
    head = most - tail
    return f"{text[:head]}\n[... {left_out} characters left out {code} ...]\n{text[len(text) - tail :]}"


def _longest(lengths: Sequence[int], total: int) -> int:
    """The length that each text may have so that all together keep the total: short ones leave their rest to others."""
    left, open_ = total, sorted(lengths)
    while open_ and open_[0] <= left // len(open_):
        left -= open_.pop(0)
    return left // len(open_) if open_ else max(lengths, default=0)
