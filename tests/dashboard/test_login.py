"""A login by OpenID Connect, made in a browser before a provider that is played."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from dashboard import seed
from dashboard.provider import CLIENT, SECRET, provider
from dashboard.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from store_fixtures import RunningStore

pytestmark = pytest.mark.browser


def test_nothing_is_shown_before_the_login_and_then_acts_bear_the_visitor_s_address(
    page: Page, seeded: RunningStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider(email="ada@example.com", email_verified=True) as played:
        secrets = tmp_path / ".streamlit" / "secrets.toml"
        secrets.parent.mkdir()
        secrets.write_text(
            f'[auth]\nredirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"\ncookie_secret = "{"x" * 40}"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{played.url}/.well-known/openid-configuration"\n',
            encoding="utf-8",
        )
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("DRIFTLINE_DASHBOARD_EDITORS", "ada@example.com")
        with serving(seeded.path) as url:
            page.goto(f"{url}/alerts")
            expect(page.get_by_text("Log in to see this dashboard.")).to_be_visible()
            assert page.locator(".dl-brand").count() == 1
            expect(page.get_by_text("Judged quality")).to_have_count(0)
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_text("ada@example.com")).to_be_visible()
            page.goto(f"{url}/alerts")
            card = page.locator(f".st-key-incident-{seed.DRIFT}")
            card.get_by_role("button", name="Acknowledge").click()
            card.get_by_role("button", name="Yes, acknowledge").click()
            expect(card.locator(".dl-asked")).to_contain_text("ada@example.com")
            with contextlib.closing(seeded.client()) as client:
                assert client.query("SELECT by FROM alert_actions").result_rows == [("ada@example.com",)]
                client.command("TRUNCATE TABLE alert_actions")
            page.get_by_role("button", name="Log out").click()
            expect(page.get_by_text("Log in to see this dashboard.")).to_be_visible()
            expect(page.get_by_text("ada@example.com")).to_have_count(0)
