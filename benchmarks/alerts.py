"""How long it takes from a finding to the message that tells it.

    python benchmarks/alerts.py [--quick] [--json]

The alert worker is the product's own process with its usual settings, on an embedded store and bus. Every four seconds
the answers of another feature get slow; the rule of that feature fires in the worker's next round, and its message goes
to a server that plays Slack's incoming webhook and answers after as long as Slack takes. Measured is the time from the
finding, as it is stored, to the arrival of the message; the wait for the round before that is at most
``alert_seconds``, 15 s.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from driftline_processors.install import install
from driftline_store.histogram import bin_of
from driftline_store.migrate import migrate
from support.processes import running, running_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

FINDINGS, QUICK_FINDINGS = 60, 15
PACE: Final = 4.0
"""Seconds between two findings: thousands a day."""
GOAL: Final = 5.0
"""Seconds from the finding to the message, of 95 in 100."""
_SLACK_SECONDS: Final = 0.25
"""That Slack takes to answer."""
_PATIENCE: Final = 60.0

_HEAD: Final = """\
defaults: false
rules:
"""
_RULE: Final = """\
  - {{name: slow {n}, metric: latency_p95, window: 15m, above: 3, where: {{feature: f{n}}}, group_by: [service]}}
"""
_FEATURE: Final = re.compile(r"feature f(\d+)\b")
_FIRED: Final = "SELECT segment['feature'], at FROM alert_transitions WHERE state = 'firing'"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_FINDINGS} findings instead of {FINDINGS}")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = run(Path(folder), QUICK_FINDINGS if options.quick else FINDINGS)
    print(json.dumps(found) if options.json else told(found))


def run(folder: Path, findings: int) -> dict[str, Any]:
    """As many findings, one after the other."""
    rules = folder / "alerts.yaml"
    rules.write_text(_HEAD + "".join(_RULE.format(n=n) for n in range(findings)))
    with slack() as (url, arrived), running_store(folder) as (_, client):
        migrate(client)
        install(client)
        environ = {
            "DRIFTLINE_DATA_DIR": str(folder),
            "DRIFTLINE_BUS": f"sqlite:///{folder / 'bus.db'}",
            "DRIFTLINE_ALERTS_FILE": str(rules),
            "DRIFTLINE_SLACK_WEBHOOK_URL": url,
        }
        with running([sys.executable, "-m", "driftline_cli", "alert"], folder, "alert", environ):
            for n in range(findings):
                get_slow(client, f"f{n}")
                time.sleep(PACE)
            deadline = time.monotonic() + _PATIENCE
            while len(arrived) < findings and time.monotonic() < deadline:
                time.sleep(0.1)
        fired = {feature: at.timestamp() for feature, at in client.query(_FIRED).result_rows}
    waits = sorted(arrived[feature] - at for feature, at in fired.items() if feature in arrived)
    return {
        "findings": findings,
        "fired": len(fired),
        "told": len(waits),
        "p50": statistics.median(waits),
        "p95": waits[int(0.95 * (len(waits) - 1))],
        "slowest": waits[-1],
        "slack_seconds": _SLACK_SECONDS,
        "goal": GOAL,
    }


def get_slow(client: Client, feature: str) -> None:
    """A minute's sums of a feature whose requests take nine seconds."""
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    row = {"resolution": "minute", "at": minute, "service": "shop", "feature": feature, "requests": 50}
    row |= {"request_seconds": {bin_of(9.0): 50}}
    client.insert("llm_rollups", [list(row.values())], column_names=list(row))


@contextmanager
def slack() -> Iterator[tuple[str, dict[str, float]]]:
    """An incoming webhook; gives its address, and when the message of each feature arrived, in Unix seconds."""
    arrived: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            at, body = time.time(), self.rfile.read(int(self.headers["Content-Length"])).decode()
            for n in _FEATURE.findall(body):
                arrived.setdefault(f"f{n}", at)
            time.sleep(_SLACK_SECONDS)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/T0/B0/benchmark", arrived
    finally:
        server.shutdown()


def told(found: dict[str, Any]) -> str:
    """For people."""
    return (
        f"{found['told']} of {found['findings']} findings told; from the finding to the message: "
        f"p50 {found['p50']:.1f} s, p95 {found['p95']:.1f} s (goal {found['goal']:.0f} s), "
        f"slowest {found['slowest']:.1f} s; Slack takes {found['slack_seconds']} s a message"
    )


if __name__ == "__main__":
    main()
