"""Chromium, driven by the tests as a person drives it."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from components import missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT = 90_000
"""Milliseconds; a machine that runs the other tests too is slow."""
expect.set_options(timeout=WAIT)


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[BrowserContext]:
    """A browser with a new profile for the time of the block."""
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next((found for name in names if (found := shutil.which(name))), None)
    if executable is None:
        missing("Chromium is not installed; install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=executable,
            headless=True,
            args=FLAGS,
            viewport={"width": 1440, "height": 900},
            timezone_id="America/New_York",
        )
        context.set_default_timeout(WAIT)
        yield context
        context.close()
