"""What axe-core finds on a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import axe_playwright_python

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Page

_SCRIPT: Final = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
_WAIT: Final = 90_000
"""Milliseconds for a moment in which a page stands; where the machine is busy, refreshes follow each other closely."""
_GRAVE: Final = {"serious", "critical"}
_COLOURS: Final = {"runOnly": ["color-contrast"]}
"""The only rule that depends on whether a page is light or dark."""


def violations(page: Page, address: str) -> set[tuple[str, str]]:
    """Rules that a page breaks gravely, light or dark, each with an element that does.

    Args:
        page: a tab.
        address: of a page of Streamlit.
    """
    page.emulate_media(color_scheme="light")
    page.goto(address)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for(timeout=_WAIT)
    page.evaluate(_SCRIPT)
    found = _run(page, {})
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("matchMedia('(prefers-color-scheme: dark)').matches")
    return found | _run(page, _COLOURS)


def _run(page: Page, options: Mapping[str, object]) -> set[tuple[str, str]]:
    found = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"], **options})
    broken = [one for one in found["violations"] if one["impact"] in _GRAVE]
    return {(one["id"], node["html"]) for one in broken for node in one["nodes"]}
