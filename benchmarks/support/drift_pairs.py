"""Two versions compared while somebody looks 320 times: false winners, and how many answers a true one takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift.compare import Question, compare_means
from driftline_alerts.drift.tails import upper_bound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_alerts.drift.moments import Column

LOOKS: Final = np.unique(np.geomspace(100, 50_000, 320).astype(np.int64))
"""Observations of each side at which somebody looks; some fall on the same one."""

_SCORES: Final = np.arange(11) / 10
_FLAG: Final = np.array([0.0, 1.0])
_GOOD: Final = np.array([0, 0, 0, 0, 0, 0, 0.01, 0.03, 0.08, 0.25, 0.63])
_BAD: Final = np.array([0.14, 0.10, 0.12, 0.12, 0.12, 0.12, 0.10, 0.08, 0.06, 0.03, 0.01])


def judged(mean: float) -> Column:
    """Probabilities of the scores 0, 0.1, ..., 1: a mix of good and bad answers with this mean."""
    good, bad = _GOOD @ _SCORES, _BAD @ _SCORES
    share = (mean - bad) / (good - bad)
    found: Column = share * _GOOD + (1 - share) * _BAD
    return found


def flag(rate: float) -> Column:
    """Probabilities of no and yes."""
    return np.array([1 - rate, rate])


_SCORE: Final = Question(upwards=1, absolute=0.02)
_RATE: Final = Question(upwards=-1, absolute=0.002, relative=0.25)

_NULLS: Final = (
    ("judged 0.90, nothing differs", _SCORES, judged(0.90), _SCORE),
    ("judged 0.60, nothing differs", _SCORES, judged(0.60), _SCORE),
    ("rate 2 %, nothing differs", _FLAG, flag(0.02), _RATE),
    ("rate 0.5 %, nothing differs", _FLAG, flag(0.005), _RATE),
)
_TRUE: Final = (
    ("judged 0.90 against 0.88", _SCORES, judged(0.90), judged(0.88), _SCORE),
    ("judged 0.90 against 0.85", _SCORES, judged(0.90), judged(0.85), _SCORE),
    ("rate 2 % against 3 %", _FLAG, flag(0.02), flag(0.03), _RATE),
    ("rate 0.5 % against 1 %", _FLAG, flag(0.005), flag(0.01), _RATE),
)


def rows(quick: bool, seed: int) -> Iterator[dict[str, Any]]:
    """False winners with their exact upper bound, then answers of each side until a verdict."""
    rng = np.random.default_rng(seed)
    runs = 60 if quick else 500
    for name, values, chances, question in _NULLS:
        found = [winner(rng, values, chances, chances, question) for _ in range(runs)]
        false = sum(one is not None for one in found)
        yield {
            "scenario": name,
            "runs": runs,
            "false_winners": false,
            "false_winners_share": false / runs,
            "false_winners_at_most": upper_bound(false, runs),
        }
    for name, values, of_a, of_b, question in _TRUE:
        found = [winner(rng, values, of_a, of_b, question) for _ in range(runs // 3)]
        stops = np.array([math.inf if one is None else one for one in found])
        median, fixed = float(np.median(stops)), _fixed(values, of_a, of_b)
        yield {
            "scenario": name,
            "runs": len(stops),
            "each_median": median,
            "each_p90": float(np.quantile(stops, 0.9, method="higher")),
            "fixed_n": fixed,
            "times_fixed_n": median / fixed,
        }


def winner(rng: np.random.Generator, values: Column, of_a: Column, of_b: Column, question: Question) -> int | None:
    """Observations of each side at the first look that has a winner; None where none has.

    Looks that come after "equivalent" go on: nobody is kept from looking again.
    """
    a, b, before = np.zeros(len(values)), np.zeros(len(values)), 0
    looks: list[int] = LOOKS.tolist()
    for n in looks:
        a += rng.multinomial(n - before, of_a)
        b += rng.multinomial(n - before, of_b)
        before = n
        if compare_means(values, a, b, question).verdict in {"better", "worse"}:
            return n
    return None


def _fixed(values: Column, of_a: Column, of_b: Column) -> float:
    """Observations of each side for a power of 80 % with one look at the end (two-sided, 5 %)."""
    mean_a, mean_b = of_a @ values, of_b @ values
    variance = of_a @ values**2 - mean_a**2 + of_b @ values**2 - mean_b**2
    return float((1.959964 + 0.841621) ** 2 * variance / (mean_a - mean_b) ** 2)
