"""The worker as users run it: rounds in time, one leader, kills, and a store that is away."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from alert_support import put_requests, rule, step_of, wait_until
from channel_support import HANGS_BUT_TAKEN, Fault
from driftline import settings as driftline_settings
from driftline.bus import open_bus
from driftline.bus.leader import CONTROL_TOPIC, Leadership, _one_partition
from driftline.errors import SettingsError
from driftline_alerts import errands, lead
from driftline_alerts.notifiers import dashboard_url
from driftline_alerts.transition import write
from driftline_alerts.worker import _Worker, run, step
from driftline_processors.reports import alive
from driftline_store.migrate import migrate
from store_fixtures import running_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from channel_support import Services
    from driftline_store.client import Client

RULES = """\
defaults: false
rules:
  - {name: slow, metric: latency_p95, window: 15m, above: 3, group_by: feature}
"""
PROGRAM = """\
import threading
from driftline.settings import load
from driftline_alerts.worker import run
run(load(), threading.Event())
"""


@pytest.fixture
def environ(tmp_path: Path, store_url: str, world: Services) -> dict[str, str]:
    (tmp_path / "rules.yaml").write_text(RULES)
    return {
        "DRIFTLINE_BUS": f"sqlite:///{tmp_path / 'bus.db'}",
        "DRIFTLINE_STORE": store_url,
        "DRIFTLINE_ALERTS_FILE": str(tmp_path / "rules.yaml"),
        "DRIFTLINE_ALERT_SECONDS": "0.5",
        "DRIFTLINE_SLACK_WEBHOOK_URL": world.slack_webhook,
    }


@contextmanager
def working(environ: dict[str, str], workers: int = 1) -> Iterator[None]:
    """Workers in threads of this process."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            run(driftline_settings.load(environ), stop)
        except BaseException as error:  # noqa: BLE001  reported by the test's thread
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failed == []


@contextmanager
def setting(event: threading.Event) -> Iterator[None]:
    """Whatever happens, so that nobody waits for it any more."""
    try:
        yield
    finally:
        event.set()


def now() -> datetime:
    return datetime.now(UTC)


def transitions(client: Client) -> list[str]:
    return [row[0] for row in client.query("SELECT state FROM alert_transitions ORDER BY at").result_rows]


def test_firing_then_resolved_with_two_workers(client: Client, world: Services, environ: dict[str, str]) -> None:
    with working(environ, workers=2):
        put_requests(client, 9.0, 30, at=now(), feature="chat")
        world.wait_for("slack", 1)
        put_requests(client, 1.0, 3000, at=now(), feature="chat")
        world.wait_for("slack", 2)
    first, last = (body["blocks"][0]["text"]["text"] for body in world.told("slack"))
    assert first.endswith("Latency p95 of feature chat is 9.17 s, above 3.00 s")
    assert "Resolved" in last
    assert transitions(client) == ["firing", "resolved"]
    assert "/?feature=chat'" in str(world.told("slack")[0])


def test_a_round_that_takes_long_does_not_hold_up_what_is_to_be_told(
    client: Client, world: Services, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that takes longer than an answer of the bus is believed."""
    monkeypatch.setattr(lead, "_VALID", 1.5)
    monkeypatch.setattr(errands, "_PATIENCE", 0.2)
    hangs, told = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        hangs.set()
        told.wait(120)

    monkeypatch.setattr(_Worker, "_look", hang)
    with working(environ), setting(told):
        assert hangs.wait(60)
        threading.Event().wait(2 * lead._VALID)
        write(client, [step_of(at=now(), feature="chat")])
        world.wait_for("slack", 1)


def test_a_worker_that_hangs_is_followed_by_another_one(
    client: Client, world: Services, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead, "_HANGS", 3.0)
    hangs, told = threading.Event(), threading.Event()

    def hang_once(*_: object) -> None:
        if not hangs.is_set():
            hangs.set()
            told.wait(120)

    monkeypatch.setattr(_Worker, "_look", hang_once)
    with working(environ, workers=2), setting(told):
        assert hangs.wait(60)
        put_requests(client, 9.0, 30, at=now(), feature="chat")
        world.wait_for("slack", 1)
    assert transitions(client) == ["firing"]


class Known:
    """What drift detection knows."""

    def save(self, _: Client) -> None:
        pass


def test_who_lost_the_lead_within_a_round_forgets_what_drift_detection_knew(
    client: Client, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it leads again before anybody looked, as another one may have led in between."""
    ours = lead.Lead()
    known: list[object] = []

    def look(worker: Any, *_: object) -> None:
        known.append(worker._detection)
        worker._detection = Known()
        if len(known) == 1:
            for held in (False, True):
                ours.note(held=held)

    monkeypatch.setattr("driftline_alerts.worker.Lead", lambda: ours)
    monkeypatch.setattr(_Worker, "_look", look)
    with working(environ):
        wait_until(lambda: len(known) >= 2)
    assert known[:2] == [None, None]


def test_a_bus_that_cannot_be_used_after_all_ends_the_worker(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unusable(_: Leadership) -> bool:
        raise SettingsError("the bus cannot be used at all")

    monkeypatch.setattr(Leadership, "held", unusable)
    with pytest.raises(SettingsError, match="cannot be used at all"):
        run(driftline_settings.load(environ), threading.Event())


def test_who_loses_the_lead_while_reading_writes_nothing(client: Client) -> None:
    put_requests(client, 9.0, 30, at=now(), feature="chat")
    slow = rule(group_by="feature")
    assert step(client, [slow], now(), may_act=lambda: False) == []
    assert transitions(client) == []
    assert len(step(client, [slow], now(), may_act=lambda: True)) == 1


def test_killed_before_the_delivery(client: Client, world: Services, environ: dict[str, str]) -> None:
    put_requests(client, 9.0, 30, at=now(), feature="chat")
    world.fail("slack", *[Fault(404, text="no_service")] * 1000)  # written, but not delivered
    with _process(environ) as process:
        wait_until(lambda: transitions(client) == ["firing"])
        process.kill()
    world.faults["slack"].clear()
    told = len(world.of("slack"))
    with working(environ):
        world.wait_for("slack", told + 1)
        threading.Event().wait(1.2)
    assert len(world.of("slack")) == told + 1
    assert transitions(client) == ["firing"]


def test_killed_in_the_middle_of_a_delivery(client: Client, world: Services, environ: dict[str, str]) -> None:
    world.fail("slack", HANGS_BUT_TAKEN)
    put_requests(client, 9.0, 30, at=now(), feature="chat")
    with _process(environ) as process:
        world.wait_for("slack", 1)  # Slack has it, and says nothing yet
        process.kill()
    with working(environ):
        world.wait_for("slack", 2)
        threading.Event().wait(1.2)
    assert len(world.of("slack")) == 2
    assert ["may have been sent before" in str(body) for body in world.told("slack")] == [False, True]


@contextmanager
def _process(environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=os.environ | environ, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        _, said = process.communicate()
        assert b"SECRET" not in said


def test_a_store_that_is_away_is_waited_for(
    tmp_path: Path, environ: dict[str, str], world: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="driftline_alerts")
    del environ["DRIFTLINE_STORE"]
    environ["DRIFTLINE_DATA_DIR"] = str(tmp_path / "data")
    with ExitStack() as stores, working(environ):
        wait_until(lambda: "alerts wait: no store is running" in caplog.text)
        store = stores.enter_context(running_store(tmp_path / "data"))
        wait_until(lambda: "lacks a table" in caplog.text)
        client = store.client()
        migrate(client)
        client.close()
        wait_until(lambda: "alerts go on" in caplog.text)
        store.kill()
        wait_until(lambda: caplog.text.count("alerts wait") >= 3)
        client = stores.enter_context(running_store(tmp_path / "data")).client()
        put_requests(client, 9.0, 30, at=now(), feature="chat")
        client.close()
        world.wait_for("slack", 1)
    # Of each time once, not in every round nor for each part.
    assert caplog.text.count("alerts wait: no store is running") <= 2


def test_a_worker_that_runs_reports_about_itself(client: Client, environ: dict[str, str]) -> None:
    put_requests(client, 9.0, 30, at=now(), feature="chat")
    with working(environ):
        wait_until(lambda: len(alive(client)) == 1)
        [worker] = alive(client)
        assert (worker.part, worker.topics[""]["rules"].value) == ("alert", 1)
        wait_until(lambda: transitions(client) == ["firing"])
    assert alive(client) == []
    rounds = "SELECT argMax(value, at) FROM part_reports WHERE metric = 'rounds'"
    assert client.query(rounds).result_rows[0][0] >= 1, "the last report counts what was done"


def test_wrong_rules_end_the_worker(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "rules.yaml").write_text("rules: [{name: x, metric: qualty, window: 1h, below: 1}]")
    with pytest.raises(SettingsError, match=r"rules\.yaml line 1, column 27: rule 'x': 'metric' names 'qualty'"):
        run(driftline_settings.load(environ), threading.Event())


def test_changed_rules_are_in_force_without_a_restart_and_wrong_ones_change_nothing(
    client: Client, world: Services, environ: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "rules.yaml"
    put_requests(client, 9.0, 30, at=now(), feature="chat")
    with working(environ):
        world.wait_for("slack", 1)
        rules.write_text(RULES.replace("latency_p95", "latency_p9"))
        wait_until(lambda: "what was in force before stays so" in caplog.text)
        assert "'metric' names 'latency_p9'" in caplog.text
        assert transitions(client) == ["firing"]
        rules.write_text(RULES.replace("slow", "very slow").replace("above: 3", "above: 5"))
        world.wait_for("slack", 3)
    said = [body["blocks"][0]["text"]["text"] for body in world.told("slack")]
    assert "above 3.00 s" in said[0]
    assert any("the rule was removed or changed" in one for one in said[1:])
    assert any("above 5.00 s" in one for one in said[1:])
    assert caplog.text.count("what was in force before stays so") == 1


def test_leadership_passes_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bus.db'}"
    with Leadership(url, group="alerts") as second:
        with Leadership(url, group="alerts") as first:
            assert first.held()
            assert not second.held()
            with open_bus(url) as bus:
                bus.producer().send(CONTROL_TOPIC, b"not for us")
            assert first.held()
        assert second.held()


@pytest.mark.kafka
def test_on_kafka_one_of_several_leads(kafka_url: str) -> None:
    group = f"alerts-{uuid.uuid4().hex[:8]}"
    with Leadership(kafka_url, group=group) as second:
        with Leadership(kafka_url, group=group) as first:
            wait_until(lambda: first.held() | second.held())
            for _ in range(20):  # the other one joins meanwhile
                assert first.held() + second.held() <= 1
                threading.Event().wait(0.1)
            wait_until(lambda: first.held() | second.held())
        wait_until(second.held)


def test_the_control_topic_has_one_partition() -> None:
    url = "kafka://u:p%40ss@a:9092,b:9093?partitions=8&security=SASL_SSL&cafile=%2Fca%20x.pem"
    assert _one_partition(url) == "kafka://u:p%40ss@a:9092,b:9093?partitions=1&security=SASL_SSL&cafile=%2Fca+x.pem"
    assert _one_partition("kafka://a:9092") == "kafka://a:9092?partitions=1"
    assert _one_partition("sqlite:///bus.db") == "sqlite:///bus.db"


def test_links_lead_where_people_reach_the_dashboard() -> None:
    assert dashboard_url(driftline_settings.load({})) == "http://127.0.0.1:8501"
    named = driftline_settings.load({"DRIFTLINE_DASHBOARD_URL": "https://drift.example"})
    assert dashboard_url(named) == "https://drift.example"
