"""``python -m tests.fuzz``: damaged OTLP messages at ingest and at the receiver."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.run import run


def main() -> int:
    """Read the arguments and run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="default: from the clock")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no batch after this time")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="driftline-fuzz-") as folder:
        until = time.monotonic() + arguments.minutes * 60
        account = run(Path(folder), seed=arguments.seed, messages=arguments.messages, until=until)
    print(account)
    for words in account.wrong:
        print(f"WRONG: {words}")
    return 1 if account.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
