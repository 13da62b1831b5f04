"""What the first screen of Health says of a regression, as a person reads it without scrolling."""

from __future__ import annotations

import contextlib
import random
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from dashboard.injection import Injection
from dashboard.serving import serving
from store_fixtures import running_store

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SEEDS = (0, 1, 2, 3, 5)
"""Of five drawn by chance, with each kind among them: a rise of fallbacks, one of errors, and a fall of quality."""
_FIRST_SCREEN = """\
() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    for (let node; (node = walker.nextNode());) {
        const range = document.createRange();
        range.selectNodeContents(node);
        const box = range.getBoundingClientRect();
        if (box.height > 0 && box.top >= 0 && box.bottom <= innerHeight) found.push(node.textContent);
    }
    return found.join(" ");
}"""


@pytest.mark.timeout(900)
def test_without_scrolling_health_says_which_feature_in_which_version_is_worse_since_when(
    tmp_path: Path, page: Page, subtests: pytest.Subtests
) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    with (
        running_store(tmp_path, prepared=True) as store,
        contextlib.closing(store.client()) as client,
        serving(tmp_path) as address,
    ):
        for number in SEEDS:
            now = datetime.now(UTC)
            injection = Injection.drawn(random.Random(number), now)
            with subtests.test(injection=injection):
                injection.happened(client, now, number)
                page.goto(address)
                page.get_by_text("Unhealthy:").wait_for()
                said = page.evaluate(_FIRST_SCREEN)
                told = re.search(r"Unhealthy: (\S+)\'s .*? since (?:.*? )?(\d\d:\d\d), prompt version (\S+)", said)
                assert told, said
                assert (told[1], told[3].rstrip(",.;")) == (injection.feature, injection.version)
                assert minutes_apart(told[2], injection.start) <= 5


def minutes_apart(clock: str, moment: datetime) -> float:
    """How far a time of day in the browser's zone is from a moment."""
    hours, minutes = map(int, clock.split(":"))
    there = moment.astimezone(ZoneInfo("America/New_York"))
    apart = abs(hours * 60 + minutes - there.hour * 60 - there.minute)
    return min(apart, 24 * 60 - apart)
