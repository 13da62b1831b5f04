"""How long it takes from the first bad answer to the finding, through everything that lies between.

    python benchmarks/drift_path.py [--quick] [--json]

An application (support/drift_load.py) records 100 requests a second with ``@observe``; ingest, judge and alert worker
are the product's own processes on an embedded store and bus. The judge asks an endpoint (support/endpoint.py) with the
latency and the faults of a real one, which scores each answer as the application meant it. When the baselines are
long enough, judged quality of one feature falls from 0.90 to 0.60, and then the errors of the other rise from 2 % to
20 %. ``--quick`` is the errors alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from driftline_alerts.drift.finding import findings
from driftline_processors.install import install
from driftline_store.migrate import migrate
from support.processes import running, running_store
from support.watch import cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psutil
    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.finding import Finding

PER_SECOND: Final = 100.0
JUDGE_RATE: Final = 0.02
"""One judged answer a second of each feature, so that a baseline of 300 is there after five minutes."""
WARM_UP_MINUTES: Final = 2.0
_LOOK_SECONDS: Final = 0.5
_SUPPORT: Final = Path(__file__).parent / "support"


@dataclass(frozen=True)
class Scenario:
    """A change.

    Attributes:
        change: as support/drift_load.py calls it.
        metric: that shows it.
        feature: that has it.
        after: seconds of healthy traffic before it.
        goal: seconds from the first bad answer.
        patience: seconds after which it counts as not found.
    """

    change: str
    metric: str
    feature: str
    after: float
    goal: float
    patience: float


QUALITY: Final = Scenario("quality", "quality", "support", 390.0, 180.0, 240.0)
MANY_ERRORS: Final = Scenario("errors", "error_rate", "search", 0.0, 60.0, 120.0)
ALONE: Final = Scenario("errors", "error_rate", "search", 200.0, 60.0, 120.0)
"""As far as it goes without the other one: a baseline of two minutes."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the errors alone, after some three minutes")
    parser.add_argument("--json", action="store_true", help="one JSON object a scenario")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for found in run(Path(folder), (ALONE,) if options.quick else (QUALITY, MANY_ERRORS)):
            print(json.dumps(found) if options.json else told(found), flush=True)


def run(folder: Path, scenarios: tuple[Scenario, ...]) -> Iterator[dict[str, Any]]:
    """Start everything, and make the changes one after the other."""
    with contextlib.ExitStack() as stack:
        judge_url = stack.enter_context(endpoint())
        environ = {
            "DRIFTLINE_DATA_DIR": str(folder),
            "DRIFTLINE_BUS": f"sqlite:///{folder / 'bus.db'}",
            "DRIFTLINE_ENVIRONMENT": "production",
            "DRIFTLINE_JUDGE_BASE_URL": f"{judge_url}/v1",
            "DRIFTLINE_JUDGE_API_KEY": "none",
            "DRIFTLINE_JUDGE_RATE": str(JUDGE_RATE),
            "DRIFTLINE_JUDGE_CONCURRENCY": "32",
            "DRIFTLINE_DRIFT_WARM_UP_MINUTES": str(WARM_UP_MINUTES),
        }
        _, client = stack.enter_context(running_store(folder))
        migrate(client)
        install(client)
        for part in ("ingest", "judge"):
            stack.enter_context(running([sys.executable, "-m", "driftline_cli", part], folder, part, environ))
        worker = stack.enter_context(
            running([sys.executable, "-m", "driftline_cli", "alert"], folder, "alert", environ)
        )
        app = stack.enter_context(application(folder, environ))
        for scenario in scenarios:
            yield measured(scenario, client, app, worker)


def measured(scenario: Scenario, client: Client, app: subprocess.Popen[str], worker: psutil.Process) -> dict[str, Any]:
    """Make a change, and wait until it is found."""
    began, used = time.time(), cpu_seconds(worker)
    time.sleep(scenario.after)
    pipe_in, pipe_out = cast("IO[str]", app.stdin), cast("IO[str]", app.stdout)
    pipe_in.write(f"{scenario.change}\n")
    pipe_in.flush()
    first_bad = float(pipe_out.readline().split()[1])
    finding, seen = wait_for(scenario, client, began, first_bad + scenario.patience)
    share = (cpu_seconds(worker) - used) / (time.time() - began)
    return {
        "scenario": scenario.change,
        "goal_seconds": scenario.goal,
        "first_bad": f"{datetime.fromtimestamp(first_bad, UTC):%H:%M:%S}",
        "seconds": seen - first_bad if finding else None,
        "headline": finding.headline if finding else "",
        "sentences": list(finding.sentences) if finding else [],
        "examples": len(finding.examples) if finding else 0,
        "others": [
            other.headline for other in findings(client, datetime.fromtimestamp(began, UTC)) if other != finding
        ],
        "alert_worker_share_of_a_core": share,
    }


def wait_for(scenario: Scenario, client: Client, since: float, until: float) -> tuple[Finding | None, float]:
    """The first finding of the scenario, and when it stood in the store."""
    while time.time() < until:
        for finding in findings(client, datetime.fromtimestamp(since, UTC)):
            if finding.metric == scenario.metric and ("feature", scenario.feature) in finding.segment:
                return finding, time.time()
        time.sleep(_LOOK_SECONDS)
    return None, until


def told(found: dict[str, Any]) -> str:
    """For people."""
    delay = "not found" if found["seconds"] is None else f"found after {found['seconds']:.0f} s"
    lines = [
        f"{found['scenario']}: {delay} (goal {found['goal_seconds']:.0f} s); first bad answer {found['first_bad']} UTC",
        *(f"  {line}" for line in (found["headline"], *found["sentences"], f"{found['examples']} examples") if line),
        *(f"  also found: {other}" for other in found["others"]),
        f"  alert worker: {found['alert_worker_share_of_a_core']:.1%} of a core",
    ]
    return "\n".join(lines)


@contextlib.contextmanager
def endpoint() -> Iterator[str]:
    """The judge's endpoint; gives its address."""
    command = [sys.executable, str(_SUPPORT / "endpoint.py"), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(cast('IO[str]', process.stdout).readline())}"
        finally:
            process.terminate()


@contextlib.contextmanager
def application(folder: Path, environ: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The load; it ends when its input is closed."""
    command = [sys.executable, str(_SUPPORT / "drift_load.py"), str(PER_SECOND)]
    with (folder / "load.log").open("w") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | environ
        )
    with process:
        try:
            yield process
        finally:
            cast("IO[str]", process.stdin).close()


if __name__ == "__main__":
    main()
