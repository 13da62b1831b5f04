"""PagerDuty: one alert an incident, and what is made of each answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from channel_messages import OPENED, told
from channel_support import CLOSED_BUT_TAKEN, SECRET, Fault
from driftline_alerts.channels.pagerduty import PagerDuty, PagerDutyConfig
from driftline_alerts.notifier import DeliveryError

if TYPE_CHECKING:
    from channel_support import Services


def pagerduty(world: Services) -> PagerDuty:
    return PagerDuty("on call", SecretStr(world.pagerduty), SecretStr(SECRET), "https://drift.example")


def test_an_incident_is_one_alert_from_its_begin_to_its_end(world: Services) -> None:
    for phase in ("opened", "update", "acknowledged", "resolved"):
        assert pagerduty(world).send(told(phase=phase), thread="", repeat=False) == ""
    events = world.told("pagerduty")
    assert [one["event_action"] for one in events] == ["trigger", "trigger", "acknowledge", "resolve"]
    assert {one["dedup_key"] for one in events} == {OPENED.incident}
    assert all(one["routing_key"] == SECRET for one in events)
    assert ["payload" in one for one in events] == [True, True, False, False]


def test_the_alert_says_what_happened_where_and_how_bad(world: Services) -> None:
    pagerduty(world).send(OPENED, thread="", repeat=False)
    (event,) = world.told("pagerduty")
    payload = event["payload"]
    assert payload["summary"].startswith("Critical: Quality of feature checkout")
    assert (payload["source"], payload["component"], payload["class"]) == ("shop", "checkout", "quality")
    assert (payload["severity"], payload["timestamp"]) == ("critical", "2026-03-01T12:00:30.000+00:00")
    details = payload["custom_details"]
    assert details["Since"] == "2026-03-01 08:00 UTC"
    assert details["course"].endswith("(0.800 to 0.940)")
    assert details["examples"][0][-1] == "https://driftline.example/"
    assert event["links"][1] == {"href": "https://driftline.example/runbook", "text": "Runbook"}
    assert event["client_url"] == "https://drift.example"


def test_long_texts_keep_pagerdutys_limits(world: Services) -> None:
    pagerduty(world).send(told(headline="x" * 5000, incident="y" * 400), thread="", repeat=False)
    (event,) = world.told("pagerduty")
    assert (len(event["payload"]["summary"]), len(event["dedup_key"])) == (1024, 255)


def test_a_sample_is_resolved_at_once(world: Services) -> None:
    pagerduty(world).send(told(phase="sample"), thread="", repeat=False)
    assert [one["event_action"] for one in world.told("pagerduty")] == ["trigger", "resolve"]


@pytest.mark.parametrize(
    ("fault", "meaning", "text"),
    [
        (Fault(429), ("soon", False), "PagerDuty is busy or broken now (429)"),
        (Fault(500), ("soon", False), "(500)"),
        (CLOSED_BUT_TAKEN, ("soon", True), "was not reached"),
        (Fault(400, text='{"errors": ["bad JSON"]}'), ("never", False), "refuses this message (400)"),
        (Fault(400, text='{"errors": ["Invalid routing key"]}'), ("later", False), "correct 'routing_key'"),
        (Fault(403), ("later", False), "correct 'routing_key'"),
        (Fault(200), ("later", False), "(200)"),
    ],
)
def test_answers_are_understood_and_tell_no_secret(
    world: Services, fault: Fault, meaning: tuple[str, bool], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.fail("pagerduty", fault)
    with pytest.raises(DeliveryError) as caught:
        pagerduty(world).send(OPENED, thread="", repeat=False)
    assert (caught.value.again, caught.value.unsure) == meaning
    assert text in str(caught.value)
    assert SECRET not in caplog.text + str(caught.value) + repr(vars(pagerduty(world)))


def test_each_region_has_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", SECRET)
    given = {"kind": "pagerduty", "routing_key": "${KEY}"}
    urls = [
        PagerDutyConfig.model_validate(given | more).build("x", "")._url.get_secret_value()  # type: ignore[attr-defined]
        for more in ({}, {"region": "eu"}, {"url": "https://relay.example/"})
    ]
    hosts = ["https://events.pagerduty.com", "https://events.eu.pagerduty.com", "https://relay.example"]
    assert [url.rpartition("/v2")[0] or url.rstrip("/") for url in urls] == hosts
