"""The pictures of docs/judge-accuracy.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from driftline_store.estimates.prediction_powered import corrected_mean
from driftline_store.metrics_interval import weighted_mean
from support.made_truth import Traffic, covered, judged_and_labelled, textbook
from support.svg import Picture

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.metrics_interval import Column
    from support.made_truth import Judge

_OURS, _ALONE, _OTHER, _GREY = "#0b6e99", "#8a8a8a", "#c4501b", "#555555"
_LABELS: Final = 200
_JUDGED: Final = 5_000
_RATES: Final = np.round(np.arange(0.5, 0.981, 0.02), 2)
_SHOWN: Final = 60
_PERCENT: Final = {0.5: "0.5", 0.6: "0.6", 0.7: "0.7", 0.8: "0.8", 0.9: "0.9", 0.98: "0.98"}


def draw(folder: Path, random: np.random.Generator, judge: Judge, runs: int) -> None:
    """Write all pictures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    coverage, width = _over_pass_rates(random, judge, runs)
    pictures = {
        "corrected-runs": _runs(random, judge),
        "corrected-coverage": coverage,
        "corrected-width": width,
        "weighted-coverage": _weighted(random, runs),
    }
    for name, picture in pictures.items():
        (folder / f"{name}.svg").write_text(picture.svg(), encoding="utf-8")


def _runs(random: np.random.Generator, judge: Judge) -> Picture:
    """Intervals of some weeks beside each other: the judge's own, which miss, and the corrected ones."""
    truth = 0.9
    judged, labelled = judged_and_labelled(random, _SHOWN, labels=_LABELS, judged=_JUDGED, pass_rate=truth, judge=judge)
    corrected = corrected_mean(judged, labelled).corrected
    mean = judged.ws / judged.w
    raw = weighted_mean(mean, mean * (1 - mean) / judged.w, judged.w)
    picture = Picture(f"{_SHOWN} samples of the same traffic, of which 90 % is good", (-1, _SHOWN), (0.7, 1.0))
    picture.axes("sample", "pass rate", {}, {y: f"{y:.2f}" for y in (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)})
    for number in range(_SHOWN):
        picture.interval(number, raw[0][number], raw[1][number], _OTHER)
        low, high = corrected.low[number], corrected.high[number]
        picture.interval(number, low, high, _OURS if low <= truth <= high else "#e0b000")
    picture.line([(-1, truth), (_SHOWN, truth)], _GREY, "truth", dashed=True)
    picture.legend("judge alone", _OTHER)
    picture.legend("corrected, holds the truth", _OURS)
    picture.legend("corrected, misses it", "#e0b000")
    return picture


def _over_pass_rates(random: np.random.Generator, judge: Judge, runs: int) -> tuple[Picture, Picture]:
    held: dict[str, list[tuple[float, float]]] = {}
    wide: dict[str, list[tuple[float, float]]] = {}
    for rate in _RATES:
        judged, labelled = judged_and_labelled(
            random, runs, labels=_LABELS, judged=_JUDGED, pass_rate=float(rate), judge=judge
        )
        found = corrected_mean(judged, labelled)
        ways: dict[str, tuple[Column, Column]] = {
            "corrected": (found.corrected.low, found.corrected.high),
            "labels alone": (found.alone.low, found.alone.high),
            "textbook PPI++": textbook(judged, labelled),
        }
        for name, (low, high) in ways.items():
            held.setdefault(name, []).append((float(rate), covered(low, high, float(rate))))
            wide.setdefault(name, []).append((float(rate), float((high - low).mean())))
    colours = {"corrected": _OURS, "labels alone": _ALONE, "textbook PPI++": _OTHER}
    coverage = Picture("How often a 95 % interval holds the truth, with 200 labels", (0.5, 0.98), (0.86, 1.0))
    coverage.axes("true pass rate", "coverage", _PERCENT, {y / 100: f"{y} %" for y in range(86, 101, 2)})
    coverage.line([(0.5, 0.95), (0.98, 0.95)], _GREY, dashed=True)
    width = Picture("How wide it is on average", (0.5, 0.98), (0, 0.15))
    width.axes("true pass rate", "width", _PERCENT, {y / 100: f"{y / 100:.2f}" for y in range(0, 16, 3)})
    for name, colour in colours.items():
        coverage.line(held[name], colour, name)
        width.line(wide[name], colour, name)
    return coverage, width


def _weighted(random: np.random.Generator, runs: int) -> Picture:
    """The judge's mean where half of the bad answers are judged at 50 % and the rest at 1 %."""
    picture = Picture(
        "The judge's mean of 10,000 requests, half of the bad ones judged at 50 %", (0.5, 0.98), (0.6, 1.0)
    )
    picture.axes("true pass rate", "coverage", _PERCENT, {y / 100: f"{y} %" for y in range(60, 101, 5)})
    picture.line([(0.5, 0.95), (0.98, 0.95)], _GREY, dashed=True)
    ours, normal = [], []
    for rate in map(float, _RATES):
        mean, variance, effective = Traffic(10_000, rate, 0.5, 0.05, 0.5).sample(random, runs)
        half = 1.96 * np.sqrt(variance)
        ours.append((rate, covered(*weighted_mean(mean, variance, effective), rate)))
        normal.append((rate, covered(mean - half, mean + half, rate)))
    picture.line(ours, _OURS, "as shown")
    picture.line(normal, _OTHER, "mean ± 1.96 standard errors")
    return picture
