"""Lists whose lines lead to traces stand still until the visitor asks for what is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from dashboard.conftest import Page
from driftline_dashboard import data
from driftline_dashboard.widgets import answers_data

if TYPE_CHECKING:
    from driftline_dashboard.widgets.answers_data import Answer
    from store_fixtures import RunningStore

NEW = "asked just now"


@pytest.mark.parametrize(
    ("at", "read"), [("", "picked"), ("traces", "picked"), ("latency", "worst"), ("errors", "worst")]
)
def test_a_list_keeps_its_lines_until_somebody_asks(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, at: str, read: str
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    monkeypatch.setattr(data, "moment", lambda: now)
    page = Page(seeded.path, monkeypatch, at=at)
    before = lines(page)
    known = getattr(answers_data, read)

    def with_a_new_one(*asked: Any, **more: Any) -> list[Answer]:
        found: list[Answer] = known(*asked, **more)
        return [replace(found[0], trace_id="f" * 32, question=NEW), *found[:-1]]

    monkeypatch.setattr(answers_data, read, with_a_new_one)
    page.run()
    assert lines(page) == before
    next(button for button in page.app.button if button.label == "Show 1 new").click()
    page.run()
    assert lines(page) != before
    assert NEW in lines(page)[0]


def lines(page: Page) -> list[str]:
    found = page.html.split('<div class="dl-row">')[1:]
    assert len(found) == answers_data.MOST
    return found
