"""A seeded store, an empty one, and the page run without a browser."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup
from streamlit.util import calc_hash

import driftline_dashboard
from dashboard import seed
from dashboard.chromium import chromium
from store_fixtures import running_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Page as Tab

    from store_fixtures import RunningStore

APP = Path(driftline_dashboard.__file__).with_name("app.py")


class Page:
    """The page as Streamlit builds it for one visitor."""

    def __init__(self, data_path: Path, monkeypatch: pytest.MonkeyPatch, at: str = "", **parameters: str) -> None:
        monkeypatch.setenv("DRIFTLINE_DATA_DIR", str(data_path))
        st.cache_data.clear()
        st.cache_resource.clear()
        self.app = AppTest.from_file(str(APP), default_timeout=60)
        if at:
            self.app._page_hash = calc_hash(at)  # its own way knows only pages that are files
        for name, value in parameters.items():
            self.app.query_params[name] = value
        self.run()

    def run(self) -> None:
        self.app.run()
        assert not self.app.exception

    @property
    def html(self) -> str:
        """All of the page's own HTML but for the style sheet."""
        bodies = [str(getattr(element, "value", "")) for element in self.app.get("html")]
        return "\n".join(body for body in bodies if not body.startswith("<style>"))

    def choose(self, label: str, option: str) -> None:
        """Press a segment of a segmented control."""
        groups = [group for group in self.app.get("button_group") if isinstance(group, ButtonGroup)]
        next(group for group in groups if group.label == label).set_value(option)
        self.run()

    def open_menus(self) -> None:
        """Open what has the statement and the numbers of each chart and table."""
        known = self.app.session_state._state.filtered_state
        for key in [key for key in known if key.startswith("data-")]:
            self.app.session_state[key] = True
        self.run()

    def tile(self, metric: str) -> str:
        return self.html.split(f'data-metric="{metric}"')[1].split("</section>")[0]


def charts(page: Page) -> list[dict[str, Any]]:
    """What the charts of the page are made of."""
    return [json.loads(chart.proto.spec) for chart in page.app.get("vega_lite_chart")]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """Two days of traffic, attacks on the reader among it."""
    with running_store(tmp_path_factory.mktemp("seeded"), prepared=True) as store:
        client = store.client()
        now = datetime.now(UTC)
        # With fewer answers judged, whether v2 is worse would depend on the time of day.
        seed.seed(client, seed.Traffic(now, per_hour=120, judged=1.0, new_version_after=timedelta(hours=24)))
        seed.hostile(client, now)
        seed.priced_later(client, now)
        seed.traces(client, now)
        seed.incidents(client, now)
        seed.monitors(client, now)
        seed.totals(client)
        seed.system(client, now)
        seed.to_label(client, now)
        client.close()
        yield store


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A store with its schema and nothing in it."""
    with running_store(tmp_path_factory.mktemp("empty"), prepared=True) as store:
        yield store


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with chromium(tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Tab]:
    """A tab of the size of a laptop's screen."""
    tab = browser.new_page()
    tab.set_viewport_size({"width": 1440, "height": 900})
    yield tab
    tab.close()
