"""The page as a person sees it: a real server on a real store, driven through Chromium."""

from __future__ import annotations

import contextlib
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error, Page, expect

from dashboard import seed
from dashboard.axe import violations
from dashboard.chromium import WAIT
from dashboard.serving import serving, serving_empty
from driftline_dashboard.data import TILES
from driftline_dashboard.places import PLACES
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value
from driftline_store.metrics_query import query_metrics, readings
from store_fixtures import running_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext

    from driftline_store.client import Client
    from store_fixtures import RunningStore

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(seeded: RunningStore) -> Iterator[str]:
    with serving(seeded.path) as address:
        yield address


@pytest.fixture(scope="class")
def still(browser: BrowserContext, url: str) -> Iterator[Page]:
    """A page that stands, for tests that only look at it: to build one takes seconds of both processors."""
    page = browser.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(url)
    tile(page, "requests")
    yield page
    page.close()


def tile(page: Page, metric: str) -> str:
    """A tile's whole text; waits until all sections of the page stand."""
    page.locator(".dl-row:not(.dl-head)").first.wait_for()
    return page.locator(f'[data-metric="{metric}"]').inner_text()


def shown(client: Client, end: datetime, where: dict[str, str]) -> dict[str, tuple[str, str]]:
    """What the metrics layer says about the 24 h before a moment, as it should stand on the page."""
    since = end - timedelta(hours=24)
    frame = query_metrics(client, TILES, since=since, until=end, where=where)
    found = {name: readings(frame, name, since=since, until=end)[0] for name in TILES}
    return {
        name: (format_value(METRICS[name], reading.value), f"n = {reading.n:,} {reading.metric.n_label}")
        for name, reading in found.items()
    }


def moment_of(page: Page) -> datetime:
    """The moment that the page's numbers are of."""
    clock = page.locator(".dl-status b").inner_text()
    now = datetime.now(UTC)
    shift = page.evaluate("new Date().getTimezoneOffset()")
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    local = (now - timedelta(minutes=shift)).replace(hour=hours, minute=minutes, second=seconds, microsecond=0)
    found = local + timedelta(minutes=shift)
    return found - timedelta(days=1) if found > now + timedelta(minutes=1) else found


def assert_tiles(page: Page, store: RunningStore, **where: str) -> None:
    """Wait until all tiles show what the metrics layer says of their moment."""
    deadline = time.monotonic() + WAIT / 1000
    with contextlib.closing(store.client()) as client:
        while wrong := _differences(page, client, where):
            assert time.monotonic() < deadline, wrong
            page.wait_for_timeout(300)


def _differences(page: Page, client: Client, where: dict[str, str]) -> list[tuple[str, str, str]]:
    moment = moment_of(page)
    texts = {name: tile(page, name) for name in TILES}
    return [
        (name, wanted, texts[name])
        for name, (value, basis) in shown(client, moment, where).items()
        for wanted in (value, basis)
        if not re.search(rf"(^|\n){re.escape(wanted)}($|\n| · )", texts[name])
    ]


def test_the_tiles_are_the_metrics_layers_numbers_and_the_console_is_silent(
    page: Page, url: str, seeded: RunningStore
) -> None:
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: problems.append(r.url) if not r.url.startswith((url, "data:", "blob:")) else None)
    page.goto(url)
    tile(page, "requests")
    assert_tiles(page, seeded)
    expect(page.locator(".dl-alerts")).to_contain_text("quality-drop")
    expect(page.locator(".stVegaLiteChart canvas, .stVegaLiteChart svg")).to_have_count(3)
    page.wait_for_timeout(6_000)  # a refresh, too, is silent
    assert problems == []


class TestAStillPage:
    @pytest.mark.parametrize("width", [1440, 800])
    def test_nothing_scrolls_sideways(self, still: Page, width: int) -> None:
        still.set_viewport_size({"width": width, "height": 900})
        fits = (
            "[document.documentElement, document.querySelector('.stMain')].every(e => e.scrollWidth == e.clientWidth)"
        )
        still.wait_for_function(fits)  # the charts take the new width a moment later
        wider = "e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth"
        clipped = f"[...document.querySelectorAll('.dl-tile *')].filter({wider})"
        assert still.evaluate(f"{clipped}.map(e => e.outerHTML)") == []

    def test_sentence_numbers_and_evidence_fit_on_one_screen(self, still: Page) -> None:
        still.set_viewport_size({"width": 1440, "height": 900})
        box = still.locator(".dl-heat").first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900

    def test_dark_follows_the_system(self, still: Page) -> None:
        still.emulate_media(color_scheme="dark")
        expect(still.locator(".stApp")).to_have_css("background-color", "rgb(17, 22, 28)")


@pytest.mark.timeout(900)
def test_no_page_keeps_anybody_from_using_it_more_than_an_empty_app_does(page: Page, url: str, tmp_path: Path) -> None:
    with serving_empty(tmp_path) as empty_app:
        usual = {rule for rule, _ in violations(page, empty_app)}
    places = [*(place.path for place in PLACES if not place.is_first), "", f"traces?trace={seed.AGENT}"]
    places.append(f"?until={datetime.now(UTC) - timedelta(hours=4):%Y-%m-%dT%H:%MZ}")
    found = {place: violations(page, f"{url}/{place}") for place in places}
    assert {
        place: grave for place, all_ in found.items() if (grave := {one for one in all_ if one[0] not in usual})
    } == {}


def test_what_users_wrote_is_text_and_nothing_else(page: Page, url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}/?feature=%3Cb%3Ebold%3C%2Fb%3E%3Ared%5Bx%5D")
    tile(page, "requests")
    page.locator("[class*=st-key-answer-] button").first.click()
    texts = page.locator(".dl-answer .dl-text")
    expect(texts).to_have_count(4)
    for index in range(4):
        assert texts.nth(index).inner_text() == seed.HOSTILE_QUESTION
    assert page.locator(".dl-answer :is(script, img, a, b, i)").count() == 0
    assert page.evaluate("window.driftlineOwned") is None
    assert page.title() == "Driftline"
    assert not [address for address in asked if "evil.invalid" in address]


def test_a_filter_changes_the_url_and_the_numbers(page: Page, url: str, seeded: RunningStore) -> None:
    page.goto(url)
    tile(page, "requests")
    page.get_by_label("Prompt version", exact=False).first.click()
    page.get_by_role("option", name="v2", exact=True).click()
    page.wait_for_url(re.compile(r"\?prompt_version=v2$"))
    assert_tiles(page, seeded, prompt_version="v2")
    page.reload()
    tile(page, "requests")
    assert_tiles(page, seeded, prompt_version="v2")
    page.get_by_text("Last 1 h", exact=True).click()
    page.wait_for_url(re.compile(r"window=1h"))
    page.go_back()
    page.wait_for_url(re.compile(r"\?prompt_version=v2$"))


def test_a_refresh_keeps_the_place_and_the_open_answer(page: Page, url: str) -> None:
    page.goto(url)
    tile(page, "requests")
    row = page.locator("[class*=st-key-answer-] button").nth(20)
    row.click()
    page.locator(".dl-answer").wait_for()
    before = page.evaluate("document.querySelector('.stMain').scrollTop")
    text = page.locator(".dl-answer").inner_text()
    clock = page.locator(".dl-status b").inner_text()
    expect(page.locator(".dl-status b")).not_to_have_text(clock)
    assert before > 300
    assert page.evaluate("document.querySelector('.stMain').scrollTop") == before
    assert page.locator(".dl-answer").inner_text() == text


def test_a_message_s_link_shows_the_trace_by_keyboard_too_and_nothing_in_it_is_markup(page: Page, url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}/?trace={seed.AGENT}")
    said = page.locator(".dl-said .dl-text")
    expect(said).to_have_count(7)
    assert said.nth(1).inner_text() == seed.HOSTILE_QUESTION
    assert said.nth(4).inner_text() == seed.ARABIC
    assert said.nth(4).evaluate("e => getComputedStyle(e).direction") == "rtl"
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save all 840,000 characters").click()
    assert saving.value.path().read_text(encoding="utf-8") == seed.BIG
    page.get_by_role("button", name="+2.00 s").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"trace=a+&span=3+$"))
    expect(page.locator(".dl-failed .dl-text")).to_have_text(seed.HOSTILE_QUESTION)
    assert page.locator(".dl-said :is(script, img, a, b, i), .dl-step :is(script, img, a, b, i)").count() == 0
    assert page.evaluate("window.driftlineOwned") is None
    assert page.title() == "Traces · Driftline"
    assert not [address for address in asked if "evil.invalid" in address]


def test_another_page_keeps_window_and_filters(page: Page, url: str) -> None:
    page.goto(f"{url}/?feature=support-bot&window=1h")
    tile(page, "requests")
    page.get_by_role("link", name="Traces", exact=True).click()
    page.wait_for_url(re.compile(r"/traces\?(?=.*window=1h)(?=.*feature=support-bot)"))
    expect(page.get_by_text("Traces worth reading")).to_be_visible()
    page.locator(".st-key-traces button").first.click()
    page.wait_for_url(re.compile(r"window=1h.*trace="))
    expect(page.locator(".dl-step")).to_have_count(1)
    page.get_by_role("link", name="Alerts", exact=True).click()
    page.wait_for_url(re.compile(r"/alerts\?(?=.*window=1h)(?=.*feature=support-bot)(?!.*trace)"))
    expect(page.get_by_text("Rules in force")).to_be_visible()
    page.get_by_role("link", name="Show on Health").first.click()
    page.wait_for_url(re.compile(r"/\?.*prompt_version=v2"))
    tile(page, "requests")


def test_from_the_sentence_over_the_evidence_to_the_comparison(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(url)
    sentence = page.locator(".dl-verdict")
    expect(sentence).to_contain_text(
        f"Unhealthy: {seed.HOSTILE_FEATURE}'s judged quality fell from 0.900 to 0.820 since"
    )
    expect(sentence).to_contain_text("prompt version v2")
    assert sentence.evaluate("e => e.getBoundingClientRect().bottom") < 720
    page.get_by_role("link", name="alarm", exact=True).click()
    page.wait_for_url(re.compile(rf"/drift\?.*metric=quality&monitor={seed.SUSPECT}"))
    expect(page.locator(".dl-facts").filter(has_text="a drop of 0.05 in about 6 h")).to_be_visible()
    expect(page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg")).to_have_count(2)
    page.locator(".st-key-drift_metric").get_by_role("combobox").click()
    page.get_by_role("option", name="Latency p95").click()
    page.wait_for_url(re.compile(r"/drift\?(?=.*metric=latency_p95)(?!.*monitor)"))
    expect(page.locator(".dl-facts").filter(has_text="not worked out yet")).to_be_visible()
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.locator(".dl-verdict")).to_contain_text("v2 is worse than v1 on quality")
    expect(page.get_by_text("Answers to the same question").first).to_be_visible()
    page.get_by_text("Periods", exact=True).click()
    page.wait_for_url(re.compile(r"/compare\?(?=.*by=period)(?=.*feature=support-bot)"))
    expect(page.locator(".dl-verdict")).to_contain_text("the last 24 h")


def choose(page: Page, box: str, option: str) -> None:
    """Choose in a list; a refresh in which its options change closes it, and then people open it again."""
    for _ in range(10):
        page.locator(box).get_by_role("combobox").click()
        with contextlib.suppress(Error):
            page.get_by_role("option", name=option).click(timeout=6_000)
            return
    raise AssertionError(f"{option!r} is not in the list")


def test_a_class_of_errors_leads_to_its_traces_and_its_numbers_can_be_saved(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{url}/errors?feature=support-bot")
    rows = page.locator(".st-key-traces .dl-row:not(.dl-head)")
    rows.first.wait_for()
    page.wait_for_function(
        "document.querySelector('.stMain').scrollWidth == document.querySelector('.stMain').clientWidth"
    )
    choose(page, ".st-key-chosen_kind", "Rate limits (errors)")
    page.wait_for_url(re.compile(r"/errors\?(?=.*feature=support-bot)(?=.*kind=error.rate_limit)"))
    expect(rows.first).to_contain_text("rate_limit")
    page.locator(".st-key-panel-error_class button").click()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as CSV").click()
    assert "error_class,rate_limit," in saving.value.path().read_text(encoding="utf-8")
    page.keyboard.press("Escape")
    page.locator(".st-key-traces a").first.click()
    page.wait_for_url(re.compile(r"/traces\?(?=.*feature=support-bot)(?=.*trace=)"))
    expect(page.locator(".dl-failed")).to_contain_text("rate_limit")


def test_a_click_on_a_heat_map_leads_to_the_requests_of_that_time(page: Page, url: str) -> None:
    page.goto(f"{url}/latency?feature=support-bot")
    picture = page.locator(".stVegaLiteChart :is(canvas, svg)").first
    picture.wait_for()
    box = picture.bounding_box()
    assert box is not None
    for height in range(10, int(box["height"]) - 10, 6):  # somewhere above each other there are requests
        picture.click(position={"x": box["width"] / 2, "y": height})
        if "point=" in page.url:
            break
    page.wait_for_url(re.compile(r"/latency\?(?=.*feature=support-bot)(?=.*point=\d+)"))
    expect(page.locator(".st-key-traces .dl-row:not(.dl-head)").first).to_be_visible()
    expect(page.locator(".st-key-chosen_point")).not_to_contain_text("the whole window")


def test_a_double_click_asks_for_nothing_and_a_confirmed_wish_is_stored_once(
    page: Page, url: str, seeded: RunningStore
) -> None:
    page.goto(f"{url}/alerts")
    card = page.locator(f".st-key-incident-{seed.DRIFT}")
    card.get_by_role("button", name="Silence for 1 h").dblclick()
    expect(card.locator(".dl-confirm")).to_contain_text("Nobody is told anything about this incident until")
    with contextlib.closing(seeded.client()) as client:
        stored = "SELECT count() FROM alert_actions"
        assert client.query(stored).result_rows == [(0,)]
        card.get_by_role("button", name="Yes, silence").dblclick()
        expect(card.locator(".dl-asked")).to_contain_text("dashboard silenced it until")
        assert client.query(stored).result_rows == [(1,)]
        client.command("TRUNCATE TABLE alert_actions")


def test_a_search_is_typed_sent_and_leads_to_a_trace_and_back(page: Page, url: str) -> None:
    page.goto(f"{url}/traces")
    asked = page.get_by_placeholder("Words that were said")
    asked.fill("parcel")
    page.wait_for_timeout(6_000)  # a refresh leaves what is typed
    expect(asked).to_have_value("parcel")
    asked.press("Enter")
    page.wait_for_url(re.compile(r"/traces\?text=parcel$"))
    expect(page.get_by_text("30 requests", exact=False)).to_be_visible()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save as test cases").click()
    assert b'"label": ""' in saving.value.path().read_bytes()
    page.get_by_role("button", name="Older").click()
    page.wait_for_url(re.compile(r"before="))
    page.locator(".st-key-traces button").first.click()
    page.wait_for_url(re.compile(r"text=parcel.*trace="))
    expect(page.locator(".dl-said").last).to_contain_text("parcel")
    page.get_by_role("button", name="← All traces").click()
    expect(page.get_by_placeholder("Words that were said")).to_have_value("parcel")


def press(page: Page, key: str) -> None:
    """Press a key once the page stands: buttons that are new take theirs only then."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
    page.keyboard.press(key)


def test_answers_are_labelled_with_the_keyboard_alone_and_the_last_one_is_undone(
    page: Page, url: str, seeded: RunningStore
) -> None:
    page.goto(f"{url}/label?feature={seed.TO_LABEL}&by=ann")
    with contextlib.closing(seeded.client()) as client:
        stored = "SELECT trace_id, label, explanation FROM evaluations WHERE evaluator = 'ann' ORDER BY at"
        first, second, _ = seed.ODD
        expect(page.get_by_role("button", name="Good")).to_be_enabled()
        press(page, "1")
        expect(page.get_by_text("you said good", exact=False)).to_be_visible()
        press(page, "2")
        expect(page.get_by_role("button", name="Made up")).to_be_visible()
        press(page, "4")
        expect(page.get_by_text("you said bad: made up", exact=False)).to_be_visible()
        assert client.query(stored).result_rows == [(first, "pass", ""), (second, "fail", "made up")]
        press(page, "u")
        expect(page.get_by_text("you said good", exact=False)).to_be_visible()
        assert client.query(stored).result_rows == [(first, "pass", "")]
        client.command("DELETE FROM evaluations WHERE evaluator = 'ann'")


def test_the_page_comes_alive_with_the_store(page: Page, browser: BrowserContext, tmp_path: Path) -> None:
    with serving(tmp_path) as address:
        page.goto(address)
        away = page.get_by_role("alert").filter(has_text="The store cannot be read").first
        expect(away).to_be_visible()
        with running_store(tmp_path) as store:
            client = store.client()
            seed.prepare(client)
            expect(page.get_by_text("No data yet")).to_be_visible()
            seed.seed(client, seed.Traffic(datetime.now(UTC), hours=2, per_hour=60))
            client.close()
            expect(page.locator(".dl-tile")).to_have_count(8)
            # The filters learn what there is to choose without a reload.
            page.get_by_label("Feature", exact=False).first.click()
            expect(page.get_by_role("option", name="support-bot")).to_be_visible()
            page.keyboard.press("Escape")
        expect(away).to_be_visible()
        expect(page.locator(".dl-tile")).to_have_count(0)
