"""What every long-running part has in common: logging, an orderly stop, and not outliving its supervisor."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.settings import Settings

PARENT: Final = "DRIFTLINE_PARENT"
"""Environment variable with the process id of the supervisor, set for the parts that it starts."""

_WATCH_SECONDS: Final = 0.5


def run_part(part: Callable[[Settings, threading.Event], None], settings: Settings) -> None:
    """Run a part until it ends, SIGTERM or SIGINT asks it to, or the supervisor is gone.

    Raises:
        DriftlineError: what the part raises.
    """
    set_up_logging()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if parent := os.environ.get(PARENT):
        threading.Thread(target=_stop_with, args=(int(parent), stop), daemon=True, name="parent-watch").start()
    part(settings, stop)


def set_up_logging() -> None:
    """Log to standard error; of the libraries only warnings, whose chatter would bury ours."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    for noisy in ("httpx2", "httpx", "openai", "kafka", "clickhouse_connect", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _stop_with(parent: int, stop: threading.Event) -> None:
    """A supervisor that was killed cannot stop its parts, so they look whether it still is their parent."""
    while not stop.wait(_WATCH_SECONDS):
        if os.getppid() != parent:
            stop.set()
