"""What somebody searches the stored steps for; all of it lives in the URL."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from driftline_dashboard.places import MAX_ID
from driftline_dashboard.view import is_sane
from driftline_store.labels import micros

if TYPE_CHECKING:
    from collections.abc import Mapping

OF: Final = {"requests": "Requests", "calls": "Model calls", "steps": "All steps"}
ORDERS: Final = {
    "newest": "Newest first",
    "slowest": "Slowest first",
    "dearest": "Dearest first",
    "worst": "Worst first",
}
ANY_ERROR: Final = "any"
MOST_WORDS: Final = 8
_BEFORE: Final = "before"
_MAX_CURSOR: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Range:
    """From a number to a number, both included; None where there is no end.

    Its text in the URL is ``2..5``, ``2..`` or ``..5``.
    """

    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        ends = ("" if end is None else f"{end:g}" for end in (self.low, self.high))
        return "..".join(ends) if self else ""

    def __bool__(self) -> bool:
        return self.low is not None or self.high is not None


@dataclass(frozen=True)
class Cursor:
    """The last of the steps that are shown already; those after it in the order are next.

    Attributes:
        value: that it is ordered by; what comes next has a lower one, or the same and comes after it.
        start: of the step.
        trace_id, span_id: of the step; '' for all that began earlier.
    """

    value: float
    start: datetime
    trace_id: str = ""
    span_id: str = ""

    def __str__(self) -> str:
        return "~".join((repr(self.value), str(micros(self.start)), self.trace_id, self.span_id))


@dataclass(frozen=True)
class Search:
    """What is wanted; hashable, so that it can be a key of a cache.

    Attributes:
        of: a key of ``OF``.
        text: words that have to occur in what was said, each of them; in quotes, as they stand.
        attribute: ``key=value``.
        step: name of the span, or of the tool.
        error: a class of errors, or ``ANY_ERROR``.
        took: seconds.
        cost: USD; of requests, of all their calls.
        score: the judge's last one, 0 to 1.
        order: a key of ``ORDERS``.
        before: where the page begins; None for the first one.
    """

    of: str = "requests"
    text: str = ""
    attribute: str = ""
    step: str = ""
    error: str = ""
    user: str = ""
    session: str = ""
    took: Range = Range()
    cost: Range = Range()
    score: Range = Range()
    order: str = "newest"
    before: Cursor | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether anything is asked for."""
        return self != Search()

    @property
    def words(self) -> list[str]:
        """What has to occur, in lower case; at most ``MOST_WORDS``."""
        pieces = self.text.split('"')
        found = [word for at, piece in enumerate(pieces) for word in ([piece.strip()] if at % 2 else piece.split())]
        return list(dict.fromkeys(word.lower() for word in found if word))[:MOST_WORDS]

    @property
    def pair(self) -> tuple[str, str] | None:
        """Key and value of the attribute; None where nothing that is both is asked for."""
        key, equals, value = (part.strip() for part in self.attribute.partition("="))
        return (key, value) if key and equals else None

    def to_url(self) -> dict[str, str]:
        """Query parameters that lead back here; what is as it always is needs none."""
        return {name: str(value) for name, value in vars(self).items() if value != getattr(_NOTHING, name)}

    def first_page(self) -> Search:
        """The same search from its begin."""
        return replace(self, before=None)


_NOTHING: Final = Search()
NAMES: Final = tuple(field.name for field in fields(Search))
"""Query parameters of a search."""
_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {"of": OF, "order": ORDERS}
_RANGES: Final = ("took", "cost", "score")


def from_url(parameters: Mapping[str, str]) -> Search:
    """The search that a URL asks for; what is broken, too long or not printable is as if it were not there."""
    found: dict[str, Any] = {}
    for name in NAMES:
        text = parameters.get(name, "")
        if name == _BEFORE:
            found[name] = _cursor(text)
        elif name in _RANGES:
            found[name] = _range(text)
        elif name in _CHOICES:
            found[name] = text if text in _CHOICES[name] else getattr(_NOTHING, name)
        else:
            found[name] = text.strip() if is_sane(text) else ""
    return Search(**found)


def needles(word: str) -> list[str]:
    """A word as it may stand in stored content: as it is, and as JSON writes it, with marks and signs escaped."""
    ways = (word, word.capitalize(), word.upper())
    return list(dict.fromkeys((word, *(json.dumps(way)[1:-1] for way in ways))))


def _range(text: str) -> Range:
    low, dots, high = text.partition("..")
    return Range(_number(low), _number(high)) if dots else Range()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _cursor(text: str) -> Cursor | None:
    parts = text.split("~")
    ids = parts[2:]
    if len(text) > _MAX_CURSOR or len(parts) != 4 or any(id_ and not id_.isalnum() for id_ in ids):
        return None
    try:
        value, start = float(parts[0]), _EPOCH + timedelta(microseconds=int(parts[1]))
    except (ValueError, OverflowError):
        return None
    return Cursor(value, start, *ids) if math.isfinite(value) and max(map(len, ids)) <= MAX_ID else None
