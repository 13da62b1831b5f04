"""Pages in months of healthy traffic, beside what is promised; and whether what goes wrong is named right.

    python benchmarks/drift_months.py [--quick] [--json] [--jobs N]

Ten made-up projects of three months each (``--quick``: one), three hours a part, 23 monitors in each segment: days,
nights and weekends, harm that swings by a quarter with them (latencies by a tenth), a harmless new prompt version and a
new model. Everything behind the store is the product's: monitors, budget, alarms, incidents, what is learned weekly.
Volumes have a benchmark of their own. Then a project in which something happens.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift.events import told
from driftline_alerts.drift.finding import OVER, Finding
from driftline_alerts.drift.tails import upper_bound
from support.drift_story import story
from support.drift_watch import BUDGET, Watch
from support.drift_world import DAY_HOURS, START, Leaf, World, rhythm, time_of

if TYPE_CHECKING:
    from driftline_alerts.drift.events import Event

PROJECTS, MONTHS, MONTH_DAYS = 10, 3, 30
SWING: Final = 0.25
YOUNG_DAYS: Final = 14
"""While no season is known."""
_SEED: Final = 20_260


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one project")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes, 1 by default")
    options = parser.parse_args()
    projects = 1 if options.quick else PROJECTS
    with ProcessPoolExecutor(options.jobs) as pool:
        happened = pool.submit(story, _SEED - 1)
        healthy = summed(list(pool.map(project, range(_SEED, _SEED + projects))))
        found = {"healthy": healthy, "story": happened.result()}
    print(json.dumps(found) if options.json else text(found))


def project(seed: int) -> list[dict[str, Any]]:
    """The pages of a healthy project."""
    rng, hours = np.random.default_rng(seed), MONTHS * MONTH_DAYS * DAY_HOURS
    busy = rng.uniform(8_000, 30_000)
    new_version, new_model = (int(rng.integers(20, 40)) * DAY_HOURS + 9 for _ in range(2))
    before = np.arange(hours) < new_version
    half = np.where(np.arange(hours) < new_model, 1.0, 0.5)
    find = ("production", "search", "mini", "find", "1")
    leaves = [
        Leaf(("production", "support", "gpt-5", "answer", "4"), rhythm(hours, busy) * before),
        Leaf(("production", "support", "gpt-5", "answer", "5"), rhythm(hours, busy) * ~before),
        Leaf(find, rhythm(hours, busy / 4) * half, quality=0.85),
        Leaf((*find[:2], "nano", *find[3:]), rhythm(hours, busy / 4) * (1 - half), quality=0.85),
    ]
    events: list[Event] = [
        told("prompt answer 5", time_of(new_version), segment=(("environment", "production"), ("feature", "support"))),
        told("model nano", time_of(new_model), segment=(("environment", "production"), ("feature", "search"))),
    ]
    watch = Watch(World(leaves, rng, swing=SWING))
    return [_page(one, seed) for one in watch.run(0, hours, events) if one.kind not in OVER]


def _page(finding: Finding, seed: int) -> dict[str, Any]:
    day = (finding.at.timestamp() - START) / (DAY_HOURS * 3600)
    shown = {"kind": finding.kind, "metric": finding.metric, "headline": finding.headline}
    return {"project": seed, "day": round(day, 2), **shown, "once_in_months": finding.once_in_months}


def summed(projects: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Over all projects."""
    months = MONTHS * len(projects)
    pages = [one for of_project in projects for one in of_project]
    opened = [one for one in pages if one["kind"] == "opened"]
    young = sum(one["day"] < YOUNG_DAYS for one in opened)
    bad = len({(one["project"], int(one["day"] // MONTH_DAYS)) for one in opened})
    return {
        "months": months,
        "promised": BUDGET * months,
        "incidents": len(opened),
        "young": young,
        "months_without_season": YOUNG_DAYS / MONTH_DAYS * len(projects),
        "months_with_an_incident_at_most": upper_bound(bad, months),
        "messages": len(pages),
        "by_metric": dict(Counter(one["metric"] for one in pages)),
        "pages": pages,
    }


def text(found: dict[str, Any]) -> str:
    """For people."""
    healthy = found["healthy"]
    incidents, promised = healthy["incidents"], healthy["promised"]
    lines = [
        f"{incidents} false incidents in {healthy['months']} healthy months; promised are {promised:g} at most",
        f"in the first 14 days of a project, {healthy['months_without_season']:.1f} months: {healthy['young']} of them",
        f"share of months with one: at most {healthy['months_with_an_incident_at_most']:.3f} (95 %, exact)",
        *(f"  day {one['day']:.1f} {one['kind']}: {one['headline']}" for one in healthy["pages"]),
        "",
        *(f"{'right' if right else 'WRONG'}: {what}" for what, right in found["story"]["expected"].items()),
        *(f"  {line}" for line in found["story"]["told"]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
