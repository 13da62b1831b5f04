"""Pictures of every page of the dashboard, light and dark, on the demo's data.

    python benchmarks/dashboard_pictures.py [--quick] [--pictures docs/images]

The demo runs until its alert is told and has stood for a while; then Chromium, which has to be there, opens each page.
Without a folder the pictures are thrown away, which shows that they can be made.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from driftline_dashboard.places import PLACES
from driftline_dashboard.view import WINDOW
from support.chromium import chromium
from support.processes import free_port, running, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SECONDS, QUICK_SECONDS = 240.0, 75.0
"""How long the demo runs first: its bot gets worse after 40 s, and some seconds later an alert says so."""
SCHEMES: Final = ("light", "dark")
_SIZE: Final = {"width": 1280, "height": 800}
_WINDOW: Final = "1h"
_PATIENCE: Final = 120_000
_STANDS: Final = """\
() => {
    const controls = document.querySelector('.st-key-controls');
    const isBelow = e => controls?.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING;
    const isSeen = e => e.offsetParent && e.innerText.trim();
    const count = document.querySelectorAll('.stApp *').length, now = performance.now();
    if (window.driftlineCount !== count) {
        [window.driftlineCount, window.driftlineSince] = [count, now];
    }
    const isDrawn = [...document.querySelectorAll('[data-testid="stHtml"]')].some(e => isBelow(e) && isSeen(e));
    return isDrawn && now - window.driftlineSince > 4000;
}"""
"""Something stands below the controls, and nothing has come or gone for some seconds: a refresh changes texts only."""


def main() -> None:
    """Run the demo and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"after {QUICK_SECONDS:.0f} s of the demo")
    parser.add_argument("--pictures", type=Path, help="folder to draw them into")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        draw(Path(name), options.pictures or Path(name), QUICK_SECONDS if options.quick else SECONDS)


def draw(folder: Path, into: Path, after: float) -> None:
    """The pictures, ``dashboard-<page>-<light or dark>.png``.

    Args:
        folder: for what the demo says.
        into: for the pictures.
        after: seconds of the demo.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "driftline_cli", "demo", "--no-browser", "--port", str(port)]
    with running(command, folder, "demo", dict(os.environ)), chromium() as browser:
        wait_for(url)
        time.sleep(after)
        for scheme in SCHEMES:
            for path in photograph(browser, url, scheme, into):
                print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)


def photograph(browser: Browser, url: str, scheme: str, into: Path) -> list[Path]:
    """Every page once."""
    context = browser.new_context(viewport=_SIZE, color_scheme=scheme, timezone_id="Europe/Berlin")
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    found = []
    for place in PLACES:
        page.goto(f"{url}/{'' if place.is_first else place.path}?{WINDOW}={_WINDOW}")
        page.locator(".dl-brand").wait_for()
        page.wait_for_function(_STANDS, polling=200)
        found.append(into / f"dashboard-{place.path}-{scheme}.png")
        page.screenshot(path=found[-1])
    context.close()
    return found


if __name__ == "__main__":
    main()
