"""What the page of comparisons compares: a dimension and two of its values, or two times; it lives in the URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.compare_sides import Side
from driftline_dashboard.data import WEEK, period
from driftline_dashboard.text import segment_name
from driftline_dashboard.view import is_sane
from driftline_dashboard.widgets.segments import natural

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from driftline_dashboard.view import View

BY, A, B, FROM = "by", "a", "b", "from"
"""Query parameters."""
PERIOD: Final = "period"
KINDS: Final = {
    "prompt_version": "Prompt versions",
    "model": "Models",
    "variant": "Experiment",
    PERIOD: "Periods",
}
"""What can be compared, as it is called."""
BEFORE: Final = {"before": "the {label} before", "week": "the same time a week before"}
"""What a window can be compared with."""
WINDOW, TOGETHER = "window", "both"
BEGINS: Final = {WINDOW: "This window", TOGETHER: "Since both are there"}
"""When versions begin to be compared."""


@dataclass(frozen=True)
class Choice:
    """Two sides; hashable, as a key of a cache.

    Attributes:
        by: key of ``KINDS``.
        a: value of the dimension, or key of ``BEFORE``.
        b: value of the dimension; of periods it is always the window, and ''.
        is_anchored: whether both begin where both first are there, whatever the window; never of periods.
    """

    by: str
    a: str
    b: str
    is_anchored: bool = False

    def names(self, view: View) -> tuple[str, str]:
        """A and B as people call them."""
        if self.by == PERIOD:
            return BEFORE[self.a].format(label=view.window.label), f"the last {view.window.label}"
        return segment_name(self.a), segment_name(self.b)

    def sides(self, view: View, as_of: datetime) -> tuple[Side, Side]:
        """A and B within the filters; the one of the dimension that is compared counts for nothing."""
        span = period(view, as_of)
        if self.by == PERIOD:
            before = span.earlier(WEEK if self.a == "week" else view.window.length)
            return Side(view.where, before.since, before.until), Side(view.where, span.since, span.until)
        sides = (Side({**view.where, self.by: value}, span.since, span.until) for value in (self.a, self.b))
        first, second = sides
        return first, second


def kind(parameters: Mapping[str, str]) -> str:
    """What a URL wants compared; prompt versions unless it says something that there is."""
    wanted = parameters.get(BY, "")
    return wanted if wanted in KINDS else "prompt_version"


def choose(by: str, parameters: Mapping[str, str], values: Sequence[str]) -> Choice | None:
    """What a URL asks for, else the last value against the busiest of the others; None where there are no two.

    Args:
        by: key of ``KINDS``.
        parameters: of the URL.
        values: of the dimension, the busiest first.
    """
    if by == PERIOD:
        wanted = parameters.get(A, "")
        return Choice(by, wanted if wanted in BEFORE else "before", "")
    given = {name: parameters[name] for name in (A, B) if is_sane(parameters.get(name, "\0"))}
    rest = [value for value in sorted(values, key=natural, reverse=True) if value != given.get(A)]
    b = given.get(B, rest[0] if rest else None)
    a = given.get(A, next((value for value in values if value != b), None))
    return None if a is None or b is None or a == b else Choice(by, a, b, parameters.get(FROM) == TOGETHER)
