"""Labels and agreement as people read them."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Final

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_store.estimates.figure import Figure
    from driftline_store.labels import Label
    from driftline_store.quality import Quality
    from driftline_store.review_cases import Case

_TITLES: Final = {
    "agreement": "agreement: same verdict",
    "kappa": "kappa: beyond chance (Cohen)",
    "ac1": "AC1: beyond chance (Gwet)",
    "sensitivity": "sensitivity: of what people pass, the judge passes",
    "specificity": "specificity: of what people fail, the judge fails",
    "pearson": "correlation of scores",
    "spearman": "correlation of ranks",
}


def print_labels(labels: Sequence[Label]) -> None:
    """A line for each label."""
    table = Table("at (UTC)", "by", "evaluation", "label", "score", "trace", "note", box=None)
    for one in labels:
        at = one.at.isoformat(" ", "seconds")[:19]
        table.add_row(at, one.labeller, one.name, one.label, f"{one.score:g}", one.trace_id, one.note)
    Console(highlight=False, markup=False).print(table if labels else "no labels")


def print_cases(cases: Sequence[Case]) -> None:
    """A line for each case."""
    table = Table("found (UTC)", "rule", "by", "segment", "trace", box=None)
    for one in cases:
        segment = ", ".join(f"{name}={value}" for name, value in one.segment.items() if value)
        table.add_row(one.at.isoformat(" ", "seconds")[:19], one.rule, one.found, segment, one.trace_id)
    Console(highlight=False, markup=False).print(table if cases else "nothing waits for review")


def print_json(found: Sequence[Quality]) -> None:
    """The same numbers for programs."""
    typer.echo(json.dumps([dataclasses.asdict(one) for one in found], indent=2))


def print_quality(found: Sequence[Quality]) -> None:
    """A block for each evaluation, instrument and segment."""
    console = Console(highlight=False, markup=False)
    if not found:
        console.print("nothing was judged in this time")
    for one in found:
        segment = ", ".join(f"{name} {value or '(none)'}" for name, value in one.segment.items())
        console.print(f"{one.name} by {one.evaluator}" + (f", {segment}" if segment else ""))
        console.print(f"  {one.judged:,} judged, {one.labelled:,} labelled, {one.both:,} of them both and compared")
        console.print(_figures(one))
        if one.both:
            console.print(_matrix(one))


def _figures(one: Quality) -> Table:
    table = Table("", "value", "95 % interval", box=None, padding=(0, 2))
    scores = "" if one.power is None else f" (scores weigh {one.power:.2f})"
    rows = {
        "quality as the judge sees it": one.raw,
        "quality by labels alone": one.people,
        f"quality corrected by labels{scores}": one.corrected,
        **{_TITLES[name]: figure for name, figure in one.agreement.items()},
    }
    for title, figure in rows.items():
        table.add_row(title, *_cells(figure))
    return table


def _cells(figure: Figure) -> tuple[str, str]:
    if figure.value is None:
        return "n/a", figure.reason
    return f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}"


def _matrix(one: Quality) -> Table:
    both, only_people, only_judge, neither = (f"{count:,g}" for count in one.cells)
    table = Table("answers", "judge: pass", "judge: fail", box=None, padding=(0, 2))
    table.add_row("people: pass", both, only_people)
    table.add_row("people: fail", only_judge, neither)
    return table
