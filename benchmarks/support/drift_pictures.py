"""The pictures and tables of docs/drift.md."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift.detector import update, watch
from driftline_alerts.drift.levels import SCORE
from support.drift_laws import scores
from support.drift_month import DAY_MINUTES, Judged, alarms, judged, last_hour, suspicion
from support.drift_waits import LONGEST_DAYS, SHARE, wait
from support.svg import Picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from support.drift_laws import Array

_OURS, _OTHER, _GREY, _PALE, _LIGHT = "#0b6e99", "#c4501b", "#555555", "#c8c8c8", "#6bb1d1"
LIMIT: Final = 0.85
_HEALTHY_DAYS, _WORSE_DAYS = 30, 3
_WORSE: Final = 0.86
_PER_HOUR: Final = 40
_TRAFFICS: Final = {240: "#c4501b", 1_000: "#e0a000", 5_000: "#0b6e99", 20_000: "#4b2e83"}
_DROPS: Final = (0.02, 0.025, 0.03, 0.04, 0.05, 0.07, 0.10, 0.15, 0.20, 0.30)
_HOURS: Final = {
    0.05: "3 min",
    0.25: "15 min",
    1: "1 h",
    4: "4 h",
    24: "1 day",
    72: "3 days",
    168: "1 week",
    672: "4 weeks",
}


def draw(folder: Path, seed: int, runs: int, limits: Sequence[dict[str, Any]]) -> None:
    """Write all pictures into a folder.

    Args:
        folder: is made if it is not there.
        seed: of everything random.
        runs: of each point of the delays.
        limits: what a limit does by how many answers are judged in an hour.
    """
    folder.mkdir(parents=True, exist_ok=True)
    means = [0.90] * _HEALTHY_DAYS + [_WORSE] * _WORSE_DAYS
    month = judged(np.random.default_rng(seed), _PER_HOUR, means)
    pictures = {
        "drift-month": _quality(month),
        "drift-suspicion": _suspicion(suspicion(month)),
        "drift-delay": _delays(np.random.default_rng(seed + 1), runs),
        "drift-false-alarms": _false_alarms(limits),
    }
    for name, picture in pictures.items():
        picture.about = f"detector {fingerprint()}"
        (folder / f"{name}.svg").write_text(picture.svg(), encoding="utf-8")


def fingerprint() -> str:
    """What the product's detector says of a fixed stream, so that a picture shows which detector drew it."""
    before, after = (np.rint(1_000 * scores(mean).p[::-1]) for mean in (0.90, 0.85))
    one = watch(SCORE, before)
    for _ in range(5):
        update([one], after[None] / 10, np.array([1 / 30]))
    return f"{one.suspicion:.6g}"


def _quality(month: Judged) -> Picture:
    days = len(month.n) // DAY_MINUTES
    picture = Picture(f"{_PER_HOUR} answers judged an hour: 0.90 for 30 days, then {_WORSE}", (0, days), (0.72, 1.0))
    picture.axes(
        "days since Driftline was started", "score", _days(days), {y / 100: f"{y / 100:.2f}" for y in range(75, 101, 5)}
    )
    hourly = last_hour(month)
    picture.line([(at / DAY_MINUTES, hourly[at]) for at in range(60, len(hourly), 60)], _PALE, "mean of the last hour")
    for at in alarms(hourly, LIMIT):
        picture.interval(at / DAY_MINUTES, 0.725, 0.742, _OTHER)
    picture.line([(0, LIMIT), (days, LIMIT)], _OTHER, dashed=True)
    picture.legend(f"it falls below {LIMIT}: an alarm", _OTHER)
    for day, (mean, half) in enumerate(_daily(month)):
        picture.interval(day + 0.5, mean - half, mean + half, _OURS)
    picture.legend("mean of a day, 95 %", _OURS)
    return picture


def _daily(month: Judged) -> Iterable[tuple[float, float]]:
    score = np.arange(21) / 20
    for counts in month.counts.reshape(-1, 24, 21).sum(axis=1):
        n = counts.sum()
        mean = counts @ score / n
        yield float(mean), 1.96 * math.sqrt(float(counts @ (score - mean) ** 2) / n / n)


def _suspicion(found: Array) -> Picture:
    days = len(found) // 24
    picture = Picture("Suspicion S of the same answers", (0, days), (-5, 6))
    ticks = {-4: "0.0001", -2: "0.01", 0: "1", 2: "100", math.log10(1 / SHARE): f"{1 / SHARE:,.0f}", 5: "100,000"}
    picture.axes("days since Driftline was started", "S", _days(days), {float(at): text for at, text in ticks.items()})
    shown = [((hour + 1) / 24, math.log10(max(s, 1e-5))) for hour, s in enumerate(found.tolist())]
    picture.line(shown, _OURS, "S")
    limit = math.log10(1 / SHARE)
    picture.line([(0, limit), (days, limit)], _OTHER, "an alarm", dashed=True)
    picture.line([(_HEALTHY_DAYS, -5), (_HEALTHY_DAYS, 6)], _GREY, f"0.90 becomes {_WORSE}", dashed=True)
    return picture


def _days(days: int) -> dict[float, str]:
    return {float(day): str(day) for day in range(0, days + 1, 5)}


def _delays(random: np.random.Generator, runs: int) -> Picture:
    picture = Picture(
        "How long until a drop is found, in half of the cases, by answers judged a day", (0.02, 0.30), (-1.4, 2.9)
    )
    picture.axes(
        "drop of the mean score, from 0.90",
        "time",
        {drop: f"{drop:.2f}" for drop in (0.02, 0.05, 0.10, 0.15, 0.20, 0.30)},
        {math.log10(hours): text for hours, text in _HOURS.items()},
    )
    for per_day, colour in _TRAFFICS.items():
        found = [(drop, _wait(drop, per_day, random, runs)) for drop in _DROPS]
        points = [(drop, math.log10(days * 24)) for drop, days in found if days <= LONGEST_DAYS]
        picture.line(points, colour, f"{per_day:,}")
    return picture


def _wait(drop: float, per_day: int, random: np.random.Generator, runs: int) -> float:
    return wait("quality", scores(0.90), scores(0.90 - drop), per_day, random, runs=runs).median


def _false_alarms(limits: Sequence[dict[str, Any]]) -> Picture:
    picture = Picture("False alarms a day of a healthy feature, whose mean score is 0.90", (10, 100), (-5, 2))
    hours = {float(hour): str(hour) for hour in range(10, 101, 10)}
    ticks = {at: f"{10.0**at:g}" for at in range(-4, 3, 2)} | {-5: "0.00001"}
    picture.axes("answers judged an hour", "a day", hours, {float(at): text for at, text in ticks.items()})
    points = [(row["per_hour"], math.log10(row["a_day"])) for row in limits]
    picture.line(points, _OTHER, f"last hour below {LIMIT}")
    for share, name, colour in ((1.0, "whole project, at most", _LIGHT), (SHARE, "this metric, at most", _OURS)):
        level = math.log10(share / 30)
        picture.line([(10, level), (100, level)], colour, name)
    return picture
