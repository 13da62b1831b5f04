"""How often the rules that come with Driftline fire by chance, while nothing changes.

    python benchmarks/rules_chance.py [--quick] [--json]

Months of a feature whose figures only scatter: requests come as a Poisson process, at the rate at which a window has
the rule's least n most of the time and so is as unsure as the rule allows. Windows end at each minute, limits, ``for``
and ``recover`` are those of the shipped rules. A rule that compares with a week ago or the week before has that, too.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.alerts_file import default_rules

if TYPE_CHECKING:
    from driftline_alerts.rule import Rule

    Array = np.ndarray

MINUTE: Final = timedelta(minutes=1)
WEEK, MONTH = 7 * 1440, 30 * 1440
MONTHS, QUICK_MONTHS = 100, 10
_SPARE: Final = 1.2
"""Mean n of a window over the least n."""


@dataclass(frozen=True)
class Healthy:
    """What a metric is while all is well.

    Attributes:
        rule: name of the shipped rule.
        level: mean.
        scatter: standard deviation of one score; None: it is a share.
    """

    rule: str
    level: float
    scatter: float | None = None


HEALTHY: Final = (
    Healthy("low quality", 0.9, 0.2),
    Healthy("quality fallen", 0.9, 0.2),
    Healthy("outage", 0.02),
    Healthy("errors", 0.01),
    Healthy("errors", 0.02),
    Healthy("timeouts", 0.005),
    Healthy("timeouts", 0.01),
    Healthy("content policy", 0.01),
    Healthy("invalid output", 0.01),
    Healthy("context length", 0.005),
    Healthy("quota used up", 0.0),
    Healthy("fallbacks", 0.1),
    Healthy("fallbacks risen", 0.05),
    Healthy("unhappy users", 0.8),
    Healthy("reports risen", 0.005),
)


def alarms(rule: Rule, healthy: Healthy, rng: np.random.Generator) -> int:
    """How often the rule begins to fire in a month."""
    window = round(rule.window / MINUTE)
    before = WEEK + window
    n = rng.poisson(rule.min_n * _SPARE / window, before + MONTH)
    total = _totals(healthy, n, rng)
    value, count = _mean(total, n, window, before, 0), _sum(n, window, before, 0)
    level: Array | float = 0.0
    if rule.baseline == "last week":
        level = _mean(total, n, window, before, WEEK)
    elif rule.baseline is not None:
        assert isinstance(rule.baseline, timedelta)  # noqa: S101  no shipped rule compares versions
        level = _mean(total, n, round(rule.baseline / MINUTE), before, window)
    known = count >= rule.min_n
    broken = known & _beyond(rule, value, level + rule.limit.number)
    right = known & ~_beyond(rule, value, level + (rule.recover or rule.limit).number)
    return _begun(broken, right, round(rule.for_ / MINUTE))


def _totals(healthy: Healthy, n: Array, rng: np.random.Generator) -> Array:
    if healthy.scatter is None:
        return rng.binomial(n, healthy.level).astype(float)
    return n * healthy.level + np.sqrt(n) * healthy.scatter * rng.standard_normal(len(n))


def _sum(values: Array, window: int, before: int, ago: int) -> Array:
    """Over the window that ends ``ago`` minutes before each minute of the month."""
    running = np.concatenate([[0], np.cumsum(values)])
    ends = np.arange(before, len(values)) + 1 - ago
    return running[ends] - running[ends - window]


def _mean(total: Array, n: Array, window: int, before: int, ago: int) -> Array:
    return _sum(total, window, before, ago) / np.maximum(_sum(n, window, before, ago), 1)


def _beyond(rule: Rule, value: Array, limit: Array | float) -> Array:
    return value > limit if rule.above is not None else value < limit


def _begun(broken: Array, right: Array, lasting: int) -> int:
    """Alerts over the minutes: fires once it was broken for so long, until it is right."""
    count, since, fires = 0, None, False
    for minute in np.flatnonzero(broken | right):
        if right[minute]:
            since, fires = None, False
        elif not fires:
            since = minute if since is None else since
            if minute - since >= lasting:
                count, fires = count + 1, True
    return count


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_MONTHS} months instead of {MONTHS}")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    months = QUICK_MONTHS if options.quick else MONTHS
    rules = {rule.name: rule for rule in default_rules()}
    rng = np.random.default_rng(7)
    found: list[dict[str, Any]] = []
    for healthy in HEALTHY:
        counts = [alarms(rules[healthy.rule], healthy, rng) for _ in range(months)]
        found.append({"rule": healthy.rule, "level": healthy.level, "months": months, "alarms": sum(counts)})
    print(json.dumps(found) if options.json else text(found))


def text(found: list[dict[str, Any]]) -> str:
    """A table."""
    lines = [f"{'rule':<20}{'while it is':>14}{'alarms':>9}{'months':>9}{'a month':>10}"]
    lines += [
        f"{one['rule']:<20}{one['level']:>14.3f}{one['alarms']:>9}{one['months']:>9}"
        f"{one['alarms'] / one['months']:>10.3f}"
        for one in found
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
