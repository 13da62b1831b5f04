"""``python -m tests.faults``: randomised faults against a real Kafka, until something is lost or doubled."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.rounds import run


def main() -> int:
    """Read the arguments and run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="default: from the clock")
    parser.add_argument("--only", type=int, metavar="ROUND", help="repeat this round alone")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no round after this time")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="driftline-faults-"))
    print(f"seed {arguments.seed}, logs in {folder}", flush=True)
    numbers = range(arguments.rounds) if arguments.only is None else [arguments.only]
    report = run(folder, seed=arguments.seed, numbers=numbers, until=time.monotonic() + arguments.minutes * 60)
    print(report)
    for words in sorted(set(report.exits)):
        print(f"ingest ended by itself {report.exits.count(words)} times with {words}")
    for words in report.wrong:
        print(f"WRONG: {words}")
    if report.wrong:
        last = numbers[report.rounds - 1]
        print(f"repeat with: python -m tests.faults --seed {arguments.seed} --only {last}")
        print(f"or all rounds before it too: --seed {arguments.seed} --rounds {last + 1}; logs: {folder}")
        return 1
    print("nothing was lost, nothing was doubled")
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
