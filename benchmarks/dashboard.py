"""Time of the dashboard's pages on the sums of 100 million spans, beside a page of the same build on constant data.

    python benchmarks/dashboard.py [--quick] [--pages] [--json]

The first page is opened in Chromium by visitors of whom each is the first to ask about its moment; the two servers
take turns, so that whatever else the machine does hits both alike. Then every page is built without a browser, to
count its statements and their time, and the first one is refreshed a thousand times, for the memory of the process.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any, Final

from driftline_dashboard.places import HEALTH, PLACES
from support import dashboard_store
from support.chromium import chromium
from support.processes import running_store
from support.rollups import SEGMENTS, recent

logging.disable(logging.WARNING)  # Streamlit's, about pages outside of a server

VISITS, QUICK_VISITS = 12, 4
BUILDS, QUICK_BUILDS = 7, 3
REFRESHES, QUICK_REFRESHES = 1000, 100
RATIO_GOAL: Final = 1.5
QUERIES_GOAL: Final = 0.3
MOST_STATEMENTS: Final = 12


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds; minutes only where they are read")
    parser.add_argument("--pages", action="store_true", help="only the statements of the pages")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, running_store(Path(name)) as (_, client):
        dashboard_store.prepare(client, recent(), quick=options.quick)
        found = measure(Path(name), quick=options.quick, pages_only=options.pages)
    if options.json:
        print(json.dumps(found))
    else:
        show(found)


def measure(folder: Path, *, quick: bool, pages_only: bool) -> dict[str, Any]:
    """All three, or the statements alone, on a store that is filled."""
    found: dict[str, Any] = {"load": os.getloadavg()[0]}
    if not pages_only:
        found["visits"] = visits(folder, QUICK_VISITS if quick else VISITS)
    found["pages"] = builds(folder, QUICK_BUILDS if quick else BUILDS)
    if not pages_only:
        found["memory"] = refreshes(QUICK_REFRESHES if quick else REFRESHES)
    return found


def visits(folder: Path, count: int) -> dict[str, dict[str, list[float]]]:
    """Seconds to the last number, and from the choice of a filter to it, of the real page and of the constant one."""
    from support.page_times import visit  # noqa: PLC0415  needs a browser

    found: dict[str, dict[str, list[float]]] = {kind: {"open": [], "filter": []} for kind in ("real", "constant")}
    with (
        dashboard_store.serving(folder, dashboard_store.APP) as real,
        dashboard_store.serving(folder, dashboard_store.CONSTANT) as constant,
        chromium() as browser,
    ):
        for number in range(count + 1):
            for kind, url in (("real", real), ("constant", constant)):
                opened, filtered = visit(browser, url)
                if number:  # the first one starts the page, and lets the constant one ask
                    found[kind]["open"].append(opened)
                    found[kind]["filter"].append(filtered)
    return found


def builds(folder: Path, count: int) -> dict[str, dict[str, float]]:
    """Statements of each page, and the median of their seconds together."""
    os.environ["DRIFTLINE_DATA_DIR"] = str(folder)
    from support import page_runs  # noqa: PLC0415  Streamlit starts only now

    client = page_runs.counted()
    found = {}
    for place in PLACES:
        runs = [page_runs.statements(client, place) for _ in range(count + 1)][1:]
        found[place.title] = {
            "statements": max(number for number, _ in runs),
            "seconds": statistics.median(seconds for _, seconds in runs),
        }
    return found


def refreshes(count: int) -> dict[str, Any]:
    """Resident MB over the refreshes of the first page, and how much it grew from the first fifth to the end."""
    from support import page_runs  # noqa: PLC0415  as above

    resident = page_runs.memory(HEALTH, count)
    return {"refreshes": count, "mb": resident, "growth": resident[-1] / resident[1] - 1}


def show(found: dict[str, Any]) -> None:
    """A few lines for each."""
    print(f"{dashboard_store.SPANS:,} spans in {SEGMENTS} segments; load {found['load']:.1f}")
    if "visits" in found:
        show_visits(found["visits"])
    print(f"\n{'page, nobody else looks':<36}{'statements':>12}{'ms together':>14}")
    for title, page in found["pages"].items():
        missed = page["seconds"] > QUERIES_GOAL or page["statements"] > MOST_STATEMENTS
        print(f"{title:<36}{page['statements']:>12}{page['seconds'] * 1e3:>14.0f}{'  missed' if missed else ''}")
    if memory := found.get("memory"):
        mb = ", ".join(f"{mb:.0f}" for mb in memory["mb"])
        print(f"\n{memory['refreshes']} refreshes of Health: {mb} MB ({memory['growth']:+.1%} from the first fifth on)")


def show_visits(found: dict[str, dict[str, list[float]]]) -> None:
    """The two pages beside each other."""
    print(f"\n{'Health, seconds (median)':<36}{'real':>8}{'constant':>10}{'ratio':>8}")
    for what, title in (("open", "opened, to its last number"), ("filter", "a feature chosen, to the number")):
        real, constant = (statistics.median(found[kind][what]) for kind in ("real", "constant"))
        note = f"  goal {RATIO_GOAL}" if what == "open" else ""
        print(f"{title:<36}{real:>8.2f}{constant:>10.2f}{real / constant:>8.2f}{note}")


if __name__ == "__main__":
    main()
