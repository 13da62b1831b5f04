"""The rows of ``benchmarks/drift.py`` as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from support.drift_scenarios import BUDGET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Row = dict[str, Any]
    Rows = Sequence[Row]

_MET: Final[dict[str, Callable[[Row], float]]] = {
    "median": lambda row: _first(row)["median"],
    "p90": lambda row: _first(row)["p90"],
    "ratio": lambda row: row.get("ratio", 0.0),
    "alarms": lambda row: _first(row)["alarms"] / _first(row)["months"],
}
"""What is held against each part of a bar."""


def changes(rows: Rows) -> str:
    """What was found, then the rivals on the same samples, then what they needed for it."""
    names = list(rows[0]["rivals"])
    beside = [
        [row["scenario"], _delay(row["oracle"]), *(_delay(row["rivals"][name]) for name in names)] for row in rows
    ]
    families = {row["family"]: row["calibrated"] for row in rows}
    return "\n".join(
        [
            alone(rows),
            "median / p90 of the others, at 0.05 false alarms a month on the months that they were calibrated on",
            _table([["", "oracle", *names], *beside]),
            *(_needed(family, known) for family, known in families.items()),
            "",
        ]
    )


def alone(rows: Rows) -> str:
    """One line a reading: the first is held against the bar."""
    head = [
        "",
        "look",
        "y",
        "alarms/months",
        "at most",
        "runs",
        "median / p90",
        "oracle",
        "bar",
        "",
        "1 page of 300",
        "alarms",
    ]
    lines = [head]
    for row in rows:
        for place, (reading, own) in enumerate(row["own"].items()):
            whole = place == 0
            lines.append(
                [
                    row["scenario"] if whole else "",
                    str(row["grain"]) if whole else "",
                    reading,
                    f"{own['alarms']}/{own['months']}",
                    f"{own['at_most']:.3f}",
                    str(own["runs"]),
                    _delay(own),
                    f"×{row['ratio']:.2f}" if whole and "ratio" in row else "",
                    _bar(row["bar"]) if whole else "",
                    _verdict(row) if whole else "",
                    _delay(row["at_one_page"]) if whole else "",
                    str(row["at_one_page"]["alarms"]) if whole else "",
                ]
            )
    return _table(lines) + "\n"


def dependent(rows: Rows) -> str:
    """Months with a false alarm, learned and bare."""
    lines = [["healthy, not independent", "learned", "at most", "promised", "", "bare", "at most"]]
    for row in rows:
        learned, bare, months = row["learned"], row["bare"], row["months"]
        lines.append(
            [
                row["scenario"],
                f"{learned['alarms']}/{months}",
                f"{learned['at_most']:.3f}",
                f"{BUDGET}",
                "met" if learned["alarms"] / months <= BUDGET else "missed",
                f"{bare['alarms']}/{months}",
                f"{bare['at_most']:.3f}",
            ]
        )
    return _table(lines) + "\n"


def plain(rows: Rows) -> str:
    """A line a row, each number with its name."""
    return "\n".join(f"{row['scenario']}: " + ", ".join(_named(row)) for row in rows) + "\n"


def _named(row: Row) -> list[str]:
    return [
        f"{name.replace('_', ' ')} {value:,.4g}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
        for name, value in row.items()
        if name != "scenario"
    ]


def _needed(family: str, known: Row) -> str:
    thresholds = ", ".join(f"{name} {value:.3g}" for name, value in known["thresholds"].items())
    return (
        f"{family}: {known['months']} months; ADWIN {known['confidence']:g} "
        f"({known['adwin_alarms']:.3f} a month), {thresholds}"
    )


def _first(row: Row) -> dict[str, float]:
    return next(iter(row["own"].values()))


def _delay(of: dict[str, float]) -> str:
    return f"{_samples(of['median'])} / {_samples(of['p90'])}"


def _samples(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "never"


def _bar(bar: dict[str, float | None]) -> str:
    if bar["median"] is None:
        return ""
    ratio = "" if bar["ratio"] is None else f" ×{bar['ratio']:g}"
    return f"{bar['median']:,} / {bar['p90']:,}{ratio}"


def _verdict(row: Row) -> str:
    missed = [name for name, at_most in row["bar"].items() if at_most is not None and _MET[name](row) > at_most]
    return "missed: " + ", ".join(missed) if missed else "met"


def _table(lines: list[list[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
