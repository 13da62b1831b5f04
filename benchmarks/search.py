"""Time of the dashboard's search with some million steps stored.

    python benchmarks/search.py [--spans 2000000] [--json]

An embedded store in a process of its own, asked over HTTP as the dashboard does. The steps are of the last 24 hours:
half of them requests, half the calls within them, each with some 950 bytes of made-up text. A search is what the page
does for one page of 30: it looks how far it may read, finds, and reads the texts, costs and scores of what it found.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_dashboard.traces.search_terms import Range, Search
from driftline_dashboard.view import View
from driftline_store.migrate import migrate
from support.processes import running_store, settle

logging.disable(logging.WARNING)  # Streamlit's, about the dashboard's functions outside of a page

from driftline_dashboard import search_data  # noqa: E402  after that

if TYPE_CHECKING:
    import psutil

    from driftline_store.client import Client

ROUNDS: Final = 5
POOL: Final = 30_000
"""Different texts; they repeat, but far behind what a block of the compression sees."""
RARE: Final = "zyzzyva"
"""A word of one step in 100,000."""

_POOL: Final = """\
CREATE TABLE texts ENGINE = Memory AS
SELECT number AS id, arrayStringConcat(arrayMap(
    i -> substring(lower(hex(cityHash64(cityHash64(number, i) % 4000))), 1, 3 + cityHash64(i, number) % 8), range(70)
), ' ') AS text
FROM numbers({pool:UInt64})"""

_SPANS: Final = """\
INSERT INTO llm_spans (
    trace_id, span_id, name, start, duration, arrived, service, environment, feature, model, prompt_version, operation,
    is_call, is_request, provider, cost, is_error, error_class, session_id, user_id, input, output, attributes
)
SELECT
    lower(hex(MD5(toString(intDiv(number, 2))))), lower(hex(cityHash64(number))),
    if(number % 2 = 0, 'answer', 'chat gpt-4o-mini'),
    fromUnixTimestamp64Micro(
        {until:Int64} - toInt64(86400000000. * intDiv(number, 2) / intDiv({spans:UInt64}, 2)), 'UTC'
    ),
    exp(-1 + 2. * (cityHash64(number, 1) % 1000) / 1000), now(), 'shop', 'production',
    concat('feature-', toString(chance % 20)), if(number % 2, 'gpt-4o-mini', ''), concat('v', toString(chance % 3)),
    'chat',
    number % 2 = 1, number % 2 = 0, 'openai', if(number % 2, toDecimal64(0.0001 + chance % 1000 / 1e6, 12), NULL),
    chance % 50 = 0, if(chance % 50 = 0, 'timeout', ''), toString(chance % 200000), toString(chance % 50000),
    concat('[{"role": "user", "parts": [{"type": "text", "content": "', asked.text,
        if(chance % 100000 = 7, ' zyzzyva', ''), '"}]}]'),
    concat('[{"role": "assistant", "parts": [{"type": "text", "content": "', reverse(asked.text), '"}]}]'),
    map('tenant', toString(chance % 9), 'region', ['eu', 'us'][1 + chance % 2])
FROM (SELECT number, cityHash64(intDiv(number, 2)) AS chance FROM numbers({first:UInt64}, {count:UInt64})) AS n
INNER JOIN texts AS asked ON asked.id = chance % {pool:UInt64}
SETTINGS max_insert_threads = 2"""

_SCORES: Final = """\
INSERT INTO evaluations (trace_id, span_id, request_start, at, name, source, score, label, evaluator)
SELECT trace_id, span_id, start, start, 'quality', 'judge', cityHash64(trace_id) % 11 / 10, 'pass', 'judge-1'
FROM llm_spans WHERE is_request AND cityHash64(trace_id) % 100 = 0"""

SEARCHES: Final = {
    "slowest first": Search(order="slowest"),
    "dearest first": Search(order="dearest"),
    "worst judged first": Search(order="worst"),
    "failed with a timeout": Search(error="timeout"),
    "one user": Search(user="4711"),
    "an attribute, slow ones": Search(attribute="tenant=4", took=Range(2.0, None)),
    "a common word": Search(text="e5b"),
    "a rare word": Search(text=RARE),
    "a word that does not occur": Search(text="nowhere-to-be-found"),
    "the same with marks": Search(text="nirgends-zu-fünden"),
    "the same in all steps": Search(of="steps", text="nowhere-to-be-found"),
}


def fill(client: Client, spans: int, until: datetime) -> None:
    """The steps and their scores."""
    client.command(_POOL, parameters={"pool": POOL})
    parameters: dict[str, Any] = {"until": round(until.timestamp() * 1e6), "spans": spans, "pool": POOL}
    for first in range(0, spans, 500_000):
        client.command(_SPANS, parameters=parameters | {"first": first, "count": min(500_000, spans - first)})
    client.command(_SCORES)


def measure(store: psutil.Process, client: Client, until: datetime) -> list[dict[str, Any]]:
    """Each search some times, in turns; what it looked through, its time and the store's CPU time in milliseconds."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in SEARCHES}
    looked: dict[str, tuple[int, int]] = {}
    for number in range(1 + ROUNDS):
        for name, wanted in SEARCHES.items():
            began, used = time.perf_counter(), sum(store.cpu_times()[:2])
            found = search_data.look(client, View(), wanted, until)
            if number:  # the first round reads from the disk
                seconds[name].append((time.perf_counter() - began, sum(store.cpu_times()[:2]) - used))
            looked[name] = (found.looked_at, len(found.answers))
    rows = []
    for name, runs in seconds.items():
        took, used = (np.array(one) * 1e3 for one in zip(*runs, strict=True))
        known = {"looked_at": looked[name][0], "found": looked[name][1]}
        times = {"p50": float(np.median(took)), "most": float(took.max()), "cpu": float(np.median(used))}
        rows.append({"search": name, **known, **times})
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spans", type=int, default=2_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    until = datetime.now(UTC).replace(microsecond=0)
    with tempfile.TemporaryDirectory() as name, running_store(Path(name)) as (store, client):
        migrate(client)
        fill(client, options.spans, until)
        settle(client)
        rows = measure(store, client, until)
        size = client.command("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'llm_spans'")
    if options.json:
        print(json.dumps({"spans": options.spans, "bytes": size, "searches": rows}))
        return
    print(f"{options.spans:,} steps, {int(str(size)) / 1e6:,.0f} MB on disk\n")
    print(f"{'ms':<30}{'looked through':>16}{'found':>8}{'p50':>8}{'most':>8}{'CPU':>8}")
    for row in rows:
        print(
            f"{row['search']:<30}{row['looked_at']:>16,}{row['found']:>8}{row['p50']:>8.0f}{row['most']:>8.0f}{row['cpu']:>8.0f}"
        )


if __name__ == "__main__":
    main()
