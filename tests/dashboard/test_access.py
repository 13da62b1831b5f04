"""Who may look at the dashboard, and who may act on it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
import streamlit as st

from dashboard import seed
from dashboard.conftest import Page
from driftline_dashboard import access

if TYPE_CHECKING:
    from store_fixtures import RunningStore

ADA = {"is_logged_in": True, "email": "Ada@example.com"}
READ_ONLY = "DRIFTLINE_DASHBOARD_READ_ONLY"
EDITORS = "DRIFTLINE_DASHBOARD_EDITORS"


@pytest.mark.parametrize(
    ("environ", "user", "may"),
    [
        ({}, {}, True),
        ({}, ADA, True),
        ({}, {"is_logged_in": False}, False),
        ({READ_ONLY: "1"}, {}, False),
        ({READ_ONLY: "1", EDITORS: "ada@example.com"}, ADA, False),
        ({EDITORS: "bob@example.com, ADA@example.com"}, ADA, True),
        ({EDITORS: "bob@example.com"}, ADA, False),
        ({EDITORS: "ada@example.com"}, ADA | {"email_verified": True}, True),
        ({EDITORS: "ada@example.com"}, ADA | {"email_verified": False}, False),
        ({EDITORS: "ada@example.com"}, ADA | {"email_verified": "false"}, False),
        ({EDITORS: "ada@example.com"}, {"email": "ada@example.com"}, False),
        ({EDITORS: "ada@example.com"}, {"is_logged_in": True, "name": "ada@example.com"}, False),
        ({EDITORS: "ada@example.com"}, {}, False),
        ({EDITORS: " , "}, {}, True),
    ],
)
def test_who_may_act(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], user: dict[str, object], *, may: bool
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(st, "user", user)
    assert access.may_act() is may
    if not may:
        with pytest.raises(access.NotAllowedError, match="may look at this dashboard and not act"), access.acting("it"):
            pass


def buttons(page: Page) -> list[str]:
    kinds = ("acknowledge-", "silence-", "accept-", "yes-")
    return [str(one.key) for one in page.app.button if str(one.key).startswith(kinds)]


def test_a_dashboard_that_only_shows_has_no_buttons(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(READ_ONLY, "true")
    page = Page(seeded.path, monkeypatch, at="alerts")
    assert "Judged quality of" in page.html
    assert buttons(page) == []


def test_who_lost_the_right_before_confirming_does_nothing(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="alerts")
    page.app.button(key=f"silence-{seed.DRIFT}").click()
    page.run()
    confirm = page.app.button(key=f"yes-silence-{seed.DRIFT}")
    monkeypatch.setenv(EDITORS, "ada@example.com")
    confirm.click()
    page.run()
    assert buttons(page) == []
    assert actions(seeded) == 0


def test_a_button_that_is_pressed_all_the_same_is_refused_on_the_server(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftline_dashboard.alerts.asking.may_act", lambda: True)
    monkeypatch.setenv(READ_ONLY, "1")
    page = Page(seeded.path, monkeypatch, at="alerts")
    for key in (f"silence-{seed.DRIFT}", f"yes-silence-{seed.DRIFT}"):
        page.app.button(key=key).click()
        page.run()
    assert "Nothing was done" in page.html
    assert "dashboard_read_only is on" in page.html
    assert actions(seeded) == 0


def test_without_having_logged_in_there_is_only_the_way_in(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(st, "user", {"is_logged_in": False})
    monkeypatch.setattr(st, "secrets", {"auth": {"cookie_secret": "c", "google": {"client_id": "1"}}})
    page = Page(seeded.path, monkeypatch, at="alerts")
    assert [(one.label, one.key) for one in page.app.button] == [("Log in with google", "login-google")]
    assert "Judged quality of" not in page.html
    assert "dl-tile" not in page.html


def test_a_login_may_have_a_name_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = {"redirect_uri": "u", "client_kwargs": {"prompt": "login"}}
    for auth, names in (
        (shared | {"client_id": "1"}, [None]),
        (shared | {"okta": {}, "google": {}}, ["okta", "google"]),
        ({}, []),
    ):
        monkeypatch.setattr(st, "secrets", {"auth": auth})
        assert access.providers() == names


def actions(store: RunningStore) -> int:
    with contextlib.closing(store.client()) as client:
        [[count]] = client.query("SELECT count() FROM alert_actions").result_rows
    return int(count)
