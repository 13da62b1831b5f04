"""Time of the dashboard's questions to the metrics layer, with few and with many spans behind the sums.

    python benchmarks/queries.py [--quick] [--json]

An embedded store in a process of its own, asked over HTTP as the dashboard does. Two databases in it hold what
1 million and 100 million spans in 200 segments leave in 30 days; questions to the two take turns, so that whatever
else the machine does hits both alike.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from driftline_dashboard.view import WINDOWS
from driftline_store.client import Client, connect
from driftline_store.metrics_query import query_metrics
from driftline_store.migrate import migrate
from support.processes import running_store, settle
from support.rollups import DAYS, SEGMENTS, fill, recent

logging.disable(logging.WARNING)  # Streamlit's, about the dashboard's functions outside of a page

from driftline_dashboard.data import TILES, with_coverage  # noqa: E402  after that

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

FEW, MANY = 1_000_000, 100_000_000
ROUNDS, QUICK_ROUNDS = 40, 10


@dataclass
class Question:
    """A query of the metrics layer, and how long it took.

    Attributes:
        arguments: of ``query_metrics``.
        seconds: of each run, by the number of spans.
    """

    name: str
    arguments: Mapping[str, Any]
    seconds: dict[int, list[float]] = field(default_factory=lambda: {FEW: [], MANY: []})

    def ask(self, client: Client, spans: int) -> None:
        """One run."""
        began = time.perf_counter()
        query_metrics(client, **self.arguments)
        self.seconds[spans].append(time.perf_counter() - began)

    def as_dict(self) -> dict[str, Any]:
        """Milliseconds: median and 95th percentile with few and with many spans, and the ratios of the two."""
        few, many = (np.percentile(self.seconds[spans], [50, 95]) * 1e3 for spans in (FEW, MANY))
        names = ("few_p50", "few_p95", "many_p50", "many_p95", "ratio_p50", "ratio_p95")
        return {"query": self.name, **dict(zip(names, (*few, *many, *(many / few)), strict=True))}


def questions(until: datetime) -> list[Question]:
    """The dashboard's over 24 hours, and the same over 30 days, with the steps of its longest window."""
    found = []
    for name, days, window in (("24 h", 1, WINDOWS["24h"]), ("30 d", DAYS, WINDOWS["7d"])):
        span = {"since": until - timedelta(days=days), "until": until}
        tiles = with_coverage(TILES)
        for what, arguments in (
            ("tiles", {"names": tiles}),
            ("tiles, one feature", {"names": tiles, "where": {"feature": "feature-7"}}),
            ("tiles by feature", {"names": tiles, "by": ("feature",)}),
            ("error rate over time", {"names": ["error_rate"], "step": window.step}),
            ("latency p95 over time", {"names": ["latency_p95"], "step": window.step}),
            ("quality over time", {"names": ["quality"], "step": window.coarse}),
            ("sparklines of the tiles", {"names": TILES, "step": window.step}),
            ("latency p95 by feature, time", {"names": ["latency_p95"], "by": ("feature",), "step": window.step}),
        ):
            found.append(Question(f"{name}: {what}", span | arguments))
    return found


def databases(folder: Path, admin: Client, until: datetime, *, quick: bool) -> Iterator[tuple[int, Client]]:
    """A filled database each."""
    for spans in (FEW, MANY):
        name = f"spans_{spans}"
        admin.command(f"CREATE DATABASE {name}")
        client = connect(folder, database=name)
        migrate(client)
        fill(client, spans, until, all_minutes=not quick)
        yield spans, client


def describe(clients: Mapping[int, Client]) -> dict[str, Any]:
    """Rows and bytes of the sums."""
    found: dict[str, Any] = {}
    query = "SELECT sum(rows), sum(bytes_on_disk), count() FROM system.parts WHERE active AND table = 'llm_rollups'"
    for spans, client in clients.items():
        ((rows, size, parts),) = client.query(f"{query} AND database = currentDatabase()").result_rows
        by_resolution = "SELECT toString(resolution), count(), avg(length(request_seconds)) FROM llm_rollups GROUP BY 1"
        kinds = {name: {"rows": rows, "bins": bins} for name, rows, bins in client.query(by_resolution).result_rows}
        found[str(spans)] = {"rows": rows, "bytes": size, "parts": parts, "by_resolution": kinds}
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="10 rounds; sums only where the questions read them")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    until = recent()
    asked = questions(until)
    with tempfile.TemporaryDirectory() as name, running_store(Path(name)) as (_, admin):
        clients = dict(databases(Path(name), admin, until, quick=options.quick))
        settle(admin)
        sizes = describe(clients)
        for number in range(1 + (QUICK_ROUNDS if options.quick else ROUNDS)):
            for question in asked:
                for spans, client in clients.items():
                    question.ask(client, spans)
                    if not number:
                        question.seconds[spans].clear()  # the first round reads from the disk and compiles
        for client in clients.values():
            client.close()
    show(asked, sizes, as_json=options.json)


def show(asked: list[Question], sizes: Mapping[str, Any], *, as_json: bool) -> None:
    """One line a question, in milliseconds, and all together."""
    rows = [question.as_dict() for question in asked]
    if as_json:
        print(json.dumps({"sums": sizes, "queries": rows}))
        return
    for spans, size in sizes.items():
        kinds = ", ".join(f"{kind['rows']:,} {name}" for name, kind in sorted(size["by_resolution"].items()))
        print(f"{int(spans):,} spans in {SEGMENTS} segments: {size['rows']:,} rows of sums ({kinds}), ", end="")
        print(f"{size['bytes'] / 1e6:.0f} MB in {size['parts']} parts")
    print(f"\n{'ms':<36}{'1 M: p50':>9}{'p95':>7}{'100 M: p50':>12}{'p95':>7}{'ratio of p50':>14}{'of p95':>8}")
    for row in rows:
        print(f"{row['query']:<36}{row['few_p50']:>9.0f}{row['few_p95']:>7.0f}{row['many_p50']:>12.0f}", end="")
        print(f"{row['many_p95']:>7.0f}{row['ratio_p50']:>14.2f}{row['ratio_p95']:>8.2f}")


if __name__ == "__main__":
    main()
