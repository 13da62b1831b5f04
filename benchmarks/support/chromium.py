"""The machine's own Chromium."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run it for the time of the block, without a window.

    Raises:
        SystemExit: there is none.
    """
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only some benchmarks need it

    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise SystemExit(f"this needs one of {', '.join(NAMES)}; install it with: apt-get install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
