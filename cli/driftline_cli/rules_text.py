"""What rules would have done, for a terminal and for programs."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from driftline_alerts.preview_lines import LEGEND, firing, lines, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_alerts.preview import Episode
    from driftline_alerts.rule import Rule


def print_preview(
    episodes: Sequence[Episode], rules: Sequence[Rule], since: datetime, until: datetime, left_out: Sequence[str]
) -> None:
    """A line for each rule and segment that would have fired, and the names of the other rules."""
    console = Console(highlight=False, markup=False)
    heads = ("rule", "segment", "fired", "for", f"{since:%d %b %H:%M} to {until:%d %b %H:%M} UTC", "began with")
    table = Table(*heads, box=None)
    for one in lines(episodes, rules, since, until):
        table.add_row(one.rule, one.segment, str(one.fired), one.lasted, one.course, one.worst)
    if episodes:
        console.print(table)
        console.print(LEGEND)
    else:
        console.print("nothing would have fired")
    if silent := quiet(episodes, rules):
        console.print(f"would not have fired: {', '.join(silent)}")
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
            "firing_minutes": round(firing(group, until) / timedelta(minutes=1)),
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
