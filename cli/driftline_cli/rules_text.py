"""What rules would have done, as people read it: a line of time for each rule and segment."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.console import Console
from rich.table import Table

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


def print_preview(
    episodes: Sequence[Episode], rules: Sequence[Rule], since: datetime, until: datetime, left_out: Sequence[str]
) -> None:
    """A line for each rule and segment that would have fired, and the names of the other rules."""
    console = Console(highlight=False, markup=False)
    by_name = {rule.name: rule for rule in rules}
    table = Table(
        "rule", "segment", "fired", "for", f"{since:%d %b %H:%M} to {until:%d %b %H:%M} UTC", "began with", box=None
    )
    for (name, segment), group in groupby(episodes, key=lambda one: (one.rule, one.segment)):
        found = list(group)
        where = ", ".join(value or "(none)" for _, value in segment) or "everything"
        fired = sum(one.fired is not None for one in found)
        table.add_row(
            name, where, str(fired), _length(found, until), _line(found, since, until), _worst(by_name[name], found)
        )
    if episodes:
        console.print(table)
        console.print(LEGEND)
    else:
        console.print("nothing would have fired")
    fired_rules = {one.rule for one in episodes if one.fired}
    if quiet := [rule.name for rule in rules if rule.name not in fired_rules]:
        console.print(f"would not have fired: {', '.join(quiet)}")
    if left_out:
        console.print(f"about Driftline itself, whose past is not stored: {', '.join(left_out)}")


def print_json(
    episodes: Sequence[Episode], since: datetime, until: datetime, every: timedelta, left_out: Sequence[str]
) -> None:
    """The same for programs."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[Episode]] = defaultdict(list)
    for one in episodes:
        found[one.rule, one.segment].append(one)
    alerts = [
        {
            "rule": rule,
            "segment": dict(segment),
            "fired": sum(one.fired is not None for one in group),
            "firing_minutes": round(_firing(group, until) / timedelta(minutes=1)),
            "episodes": [_as_json(one) for one in group],
        }
        for (rule, segment), group in found.items()
    ]
    head = {"since": since.isoformat(), "until": until.isoformat(), "every_minutes": every / timedelta(minutes=1)}
    typer.echo(json.dumps({**head, "alerts": alerts, "left_out": list(left_out)}, indent=2))


def _as_json(one: Episode) -> dict[str, Any]:
    moments = {"began": one.began, "fired": one.fired, "ended": one.ended}
    figures = {"value": one.value, "threshold": one.threshold}
    return {
        **{name: at.isoformat() if at else None for name, at in moments.items()},
        "severity": one.severity,
        **{name: number if number == number else None for name, number in figures.items()},  # noqa: PLR0124  NaN
        "n": one.n,
    }


def _line(episodes: Sequence[Episode], since: datetime, until: datetime) -> str:
    ends = [since + (until - since) * place / _WIDTH for place in range(_WIDTH + 1)]
    return "".join(_sign(episodes, begin, end) for begin, end in pairwise(ends))


def _sign(episodes: Sequence[Episode], begin: datetime, end: datetime) -> str:
    states = ["nothing"]
    for one in episodes:
        if one.began < end and (one.ended is None or one.ended > begin):
            is_told = one.fired is not None and one.fired < end
            states.append(("critical" if one.severity == "critical" else "firing") if is_told else "pending")
    return _SIGNS[max(states, key=list(_SIGNS).index)]


def _firing(episodes: Sequence[Episode], until: datetime) -> timedelta:
    return sum(((one.ended or until) - one.fired for one in episodes if one.fired), timedelta(0))


def _length(episodes: Sequence[Episode], until: datetime) -> str:
    minutes = round(_firing(episodes, until) / timedelta(minutes=1))
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def _worst(rule: Rule, episodes: Sequence[Episode]) -> str:
    """The value that the worst began with, against its limit."""
    metric, side = KNOWN[rule.metric], max if rule.above is not None else min
    known = [one for one in episodes if one.value == one.value]
    if not known:
        return "no data"
    worst = side(known, key=lambda one: one.value)
    return f"{format_value(metric, worst.value)} against {format_value(metric, worst.threshold)}"
