"""A preview as people read it: a line of time for each rule and segment, on a terminal and on a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

from driftline_alerts.system_metrics import KNOWN
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_alerts.preview import Episode
    from driftline_alerts.rule import Rule

_WIDTH: Final = 56
"""Signs of a line of time."""

_SIGNS: Final = {"nothing": "·", "pending": "░", "firing": "█", "critical": "!"}
"""From the least to the gravest: a sign stands for the gravest of its time."""

LEGEND: Final = "░ wrong, but not for long enough   █ fires   ! is critical"


@dataclass(frozen=True)
class Line:
    """What a rule would have done in a segment.

    Attributes:
        fired: how often.
        lasted: how long it fired, in words.
        course: a sign for each part of the time.
        worst: the value that the worst began with, against its limit.
    """

    rule: str
    segment: str
    fired: int
    lasted: str
    course: str
    worst: str


def lines(episodes: Sequence[Episode], rules: Sequence[Rule], since: datetime, until: datetime) -> list[Line]:
    """One for each rule and segment that fired or nearly did.

    Args:
        episodes: as ``replay`` sorts them.
        rules: that were tried.
        since: begin of the time.
        until: its end.
    """
    by_name = {rule.name: rule for rule in rules}
    return [
        _line(by_name[name], list(found), since, until)
        for (name, _), found in groupby(episodes, key=lambda one: (one.rule, one.segment))
    ]


def quiet(episodes: Sequence[Episode], rules: Sequence[Rule]) -> list[str]:
    """Names of the rules that would not have fired."""
    fired = {one.rule for one in episodes if one.fired}
    return [rule.name for rule in rules if rule.name not in fired]


def firing(episodes: Sequence[Episode], until: datetime) -> timedelta:
    """How long it fired in all."""
    return sum(((one.ended or until) - one.fired for one in episodes if one.fired), timedelta(0))


def _line(rule: Rule, found: Sequence[Episode], since: datetime, until: datetime) -> Line:
    return Line(
        rule=rule.name,
        segment=", ".join(value or "(none)" for _, value in found[0].segment) or "everything",
        fired=sum(one.fired is not None for one in found),
        lasted=_length(found, until),
        course=_course(found, since, until),
        worst=_worst(rule, found),
    )


def _course(episodes: Sequence[Episode], since: datetime, until: datetime) -> str:
    ends = [since + (until - since) * place / _WIDTH for place in range(_WIDTH + 1)]
    return "".join(_sign(episodes, begin, end) for begin, end in pairwise(ends))


def _sign(episodes: Sequence[Episode], begin: datetime, end: datetime) -> str:
    states = ["nothing"]
    for one in episodes:
        if one.began < end and (one.ended is None or one.ended > begin):
            is_told = one.fired is not None and one.fired < end
            states.append(("critical" if one.severity == "critical" else "firing") if is_told else "pending")
    return _SIGNS[max(states, key=list(_SIGNS).index)]


def _length(episodes: Sequence[Episode], until: datetime) -> str:
    minutes = round(firing(episodes, until) / timedelta(minutes=1))
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def _worst(rule: Rule, episodes: Sequence[Episode]) -> str:
    metric, side = KNOWN[rule.metric], max if rule.above is not None else min
    known = [one for one in episodes if one.value == one.value]
    if not known:
        return "no data"
    worst = side(known, key=lambda one: one.value)
    return f"{format_value(metric, worst.value)} against {format_value(metric, worst.threshold)}"
