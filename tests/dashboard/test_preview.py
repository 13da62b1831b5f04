"""The preview of rules on the page of alerts, run as Streamlit runs it, on a real store."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from alert_support import wait_until
from dashboard.conftest import Page
from driftline.errors import StoreError
from driftline_dashboard.alerts import preview

if TYPE_CHECKING:
    from pathlib import Path

    from store_fixtures import RunningStore

RULES = """\
defaults: false
rules:
  - {name: <b>busy</b>, metric: requests, window: 1h, above: 1}
  - {name: never, metric: requests, window: 1h, above: 1000000}
"""


@pytest.fixture
def page(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Page:
    file = tmp_path / "alerts.yaml"
    file.write_text(RULES)
    monkeypatch.setenv("DRIFTLINE_ALERTS_FILE", str(file))
    return Page(seeded.path, monkeypatch, at="alerts")


def press(page: Page, days: int = 1) -> None:
    page.app.session_state["preview_days"] = days
    page.app.button(key="preview-start").click()
    page.run()


def ended() -> bool:
    last = preview._shelf().last
    return last is not None and not last.goes_on


def test_nothing_is_looked_for_until_somebody_asks(page: Page) -> None:
    assert preview._shelf().last is None
    assert "would have" in page.html
    assert "Would not have fired" not in page.html


def test_it_tells_what_would_have_fired_and_what_not(page: Page) -> None:
    press(page)
    wait_until(ended)
    page.run()
    table = page.html.split('id="preview-found"')[1].split("</table>")[0]
    assert "<td>&lt;b&gt;busy&lt;/b&gt;</td><td>everything</td>" in table
    assert "█" in table
    assert "against 1" in table
    assert "Would not have fired: never." in page.html


def test_it_goes_on_while_the_page_refreshes_and_is_one_for_all(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, begun = threading.Event(), threading.Event()

    def replay(_: object, __: object, looks: list[Any], told: Any) -> list[Any]:
        told(looks[0])
        begun.set()
        may_end.wait(60)
        return []

    monkeypatch.setattr(preview, "replay", replay)
    press(page, days=7)
    assert begun.wait(60)
    page.run()
    [progress] = page.app.get("progress")
    assert progress.proto.text == "1 of 168 hours; it goes on if you leave the page"
    assert page.app.button(key="preview-start").disabled
    may_end.set()
    wait_until(ended)
    page.run()
    assert "Nothing would have fired" in page.html
    assert not page.app.button(key="preview-start").disabled


def test_why_there_is_none_is_said(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def replay(*_: object) -> list[Any]:
        raise StoreError("the store <b>is busy</b>")

    monkeypatch.setattr(preview, "replay", replay)
    press(page)
    wait_until(ended)
    page.run()
    assert "There is no preview: the store &lt;b&gt;is busy&lt;/b&gt;." in page.html


def test_at_a_moment_that_is_over_there_is_none(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="alerts", until="2026-01-01T00:00Z")
    assert "preview-start" not in [button.key for button in page.app.button]
