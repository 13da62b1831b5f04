"""Streamlit as a process that does not outlive the one that started it: ``python -m driftline_dashboard.child``."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from typing import Final

STARTED_BY: Final = "DRIFTLINE_DASHBOARD_PARENT"
"""Environment variable with the process id of the starter."""

_STOP_SECONDS: Final = 5.0


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_SECONDS)
    # Once seen: Streamlit took the signal and served on. Whoever holds the port keeps the next start from it.
    os._exit(1)


def main() -> None:
    """Run ``streamlit`` with this process's arguments."""
    parent = int(os.environ[STARTED_BY])
    threading.Thread(target=_follow, args=(parent,), daemon=True, name="parent-watch").start()
    # It logs whole addresses with the values of queries; the page says in a sentence what failed.
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    from streamlit.web import cli  # noqa: PLC0415 - the watch must run before the slow import

    sys.exit(cli.main())


if __name__ == "__main__":
    main()
