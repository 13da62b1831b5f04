"""``python -m tests.chaos``: an application records while its bus dies again and again."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chaos.run import run


def main() -> int:
    """Read the arguments and run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="default: from the clock")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="driftline-chaos-"))
    print(f"seed {arguments.seed}, logs in {folder}", flush=True)
    outcome = run(folder, calls=arguments.calls, restarts=arguments.restarts, seed=arguments.seed)
    print(outcome.said)
    print(f"{outcome.made} calls, {arguments.restarts} restarts: {outcome.lost} lost, {outcome.doubled} doubled")
    if outcome.lost or outcome.doubled:
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
