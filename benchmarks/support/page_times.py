"""How long a page takes in a browser, from the wish to its last number."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from driftline_dashboard.data import REFRESH_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PATIENCE: Final = 120_000

# Streamlit says on its element whether a run is under way. What is drawn has then been on the screen for a frame.
_STANDS: Final = """\
() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
    && document.querySelector('.dl-tile') && performance.now()"""

_NUMBER: Final = """document.querySelector('[data-metric="requests"]')?.innerText"""
_CHANGED: Final = f"""\
before => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
    && {_NUMBER} && {_NUMBER} !== before && performance.now()"""


def visit(browser: Browser, url: str) -> tuple[float, float]:
    """Open the first page anew, and choose a feature.

    Returns:
        seconds from the address to the last number, and from the choice to the last number.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    try:
        _wait_for_a_new_moment()
        page.goto(url, wait_until="commit")
        opened = _when(page, _STANDS) / 1e3
        page.get_by_label("Feature", exact=False).first.click()
        option = page.get_by_role("option", name="feature-7", exact=True)
        option.wait_for()
        _wait_for_a_new_moment()
        before = page.evaluate(_NUMBER)
        began = float(page.evaluate("performance.now()"))
        option.click()
        return opened, (_when(page, _CHANGED, before) - began) / 1e3
    finally:
        context.close()


def _when(page: Page, condition: str, argument: object = None) -> float:
    """The page's own clock, in milliseconds, when a condition holds for the first time."""
    found: float = page.wait_for_function(condition, arg=argument, polling="raf").json_value()
    return found


def _wait_for_a_new_moment() -> None:
    """Visitors of one moment share their questions; this one is alone."""
    time.sleep(REFRESH_SECONDS - time.time() % REFRESH_SECONDS + 0.05)
