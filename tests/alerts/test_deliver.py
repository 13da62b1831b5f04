"""Delivery: nothing lost, at most one repeat a kill, and every attempt on record."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from alert_support import NOW, put_requests, rule
from driftline_alerts import deliver as module
from driftline_alerts.deliver import deliver, pending
from driftline_alerts.notifier import DeliveryError
from driftline_alerts.slack import SlackNotifier
from driftline_alerts.worker import step
from driftline_store.client import StoreUnavailableError

if TYPE_CHECKING:
    from alert_support import Slack
    from driftline_alerts.state import Transition
    from driftline_store.client import Client

SLOW = rule(group_by="feature")


def fire(client: Client, *features: str) -> None:
    for feature in features:
        put_requests(client, 9.0, 30, feature=feature)
        step(client, [SLOW], NOW + timedelta(milliseconds=len(feature)))


def send(client: Client, slack: Slack, *, later: float = 1, may_act: bool = True) -> None:
    notifier = SlackNotifier(slack.url, "http://dashboard")
    deliver(client, notifier, NOW + timedelta(hours=later), threading.Event(), lambda: may_act)


def attempts(client: Client) -> list[tuple[bool, str]]:
    return [tuple(row) for row in client.query("SELECT delivered, error FROM alert_deliveries ORDER BY at").result_rows]


def is_repeat(body: dict[str, list[dict[str, str]]]) -> bool:
    return body["blocks"][-1]["type"] == "context"


def test_each_transition_is_told_once(client: Client, slack: Slack) -> None:
    fire(client, "a", "bb")
    for _ in range(3):
        send(client, slack)
    assert [body["text"][:25] for body in slack.bodies] == [
        "Firing: slow (feature a):",
        "Firing: slow (feature bb)",
    ]
    assert not any(is_repeat(body) for body in slack.bodies)
    assert sorted(attempts(client)) == [(False, ""), (False, ""), (True, ""), (True, "")]


def test_a_failure_that_passes_is_tried_again_at_once(client: Client, slack: Slack) -> None:
    fire(client, "a")
    slack.answers += [(500, {}, ""), (503, {}, "")]
    send(client, slack)
    assert len(slack.bodies) == 3
    assert not any(is_repeat(body) for body in slack.bodies)  # Slack said that it did not take them
    assert pending(client, "slack", NOW) == []
    assert sum("Slack is busy" in error for _, error in attempts(client)) == 2


def test_a_gateway_that_does_not_know_makes_a_marked_repeat(client: Client, slack: Slack) -> None:
    fire(client, "a")
    slack.answers += [(504, {}, "")]
    send(client, slack)
    assert [is_repeat(body) for body in slack.bodies] == [False, True]


def test_slack_says_how_long_to_wait(client: Client, slack: Slack) -> None:
    fire(client, "a")
    slack.answers += [(429, {"Retry-After": "1"}, "")]
    send(client, slack)
    assert slack.times[1] - slack.times[0] >= 1


def test_what_fails_for_long_comes_first_in_the_next_round(
    client: Client, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_wait", lambda _: 0.0)
    fire(client, "a", "bb")
    slack.answers += [(500, {}, "")] * 4
    send(client, slack)
    assert len(slack.bodies) == 4
    assert [item.repeat for item in pending(client, "slack", NOW)] == [False, False]
    send(client, slack)
    assert ["(feature a)" in body["text"] for body in slack.bodies[4:]] == [True, False]


def test_a_refused_message_does_not_block_the_others(client: Client, slack: Slack) -> None:
    fire(client, "a", "bb")
    slack.answers += [(400, {}, "invalid_blocks")]
    send(client, slack)
    send(client, slack)
    assert ["(feature a)" in body["text"] for body in slack.bodies] == [True, False]


def test_a_refused_webhook_is_tried_once_a_round_until_it_is_corrected(client: Client, slack: Slack) -> None:
    fire(client, "a")
    slack.answers += [(404, {}, "no_service"), (404, {}, "no_service")]
    for expected in (1, 2, 3, 3):
        send(client, slack)
        assert len(slack.bodies) == expected


def test_old_news_is_not_told(client: Client, slack: Slack) -> None:
    fire(client, "a")
    send(client, slack, later=24.1)
    assert slack.bodies == []


def test_who_does_not_lead_does_not_speak(client: Client, slack: Slack) -> None:
    fire(client, "a")
    send(client, slack, may_act=False)
    assert slack.bodies == []


def test_who_loses_the_lead_while_waiting_leaves_it_to_the_next(client: Client, slack: Slack) -> None:
    fire(client, "a")
    slack.answers += [(500, {}, "")]
    leads = iter([True, False])
    notifier = SlackNotifier(slack.url, "http://dashboard")
    deliver(client, notifier, NOW, threading.Event(), lambda: next(leads))
    assert len(slack.bodies) == 1
    assert [item.repeat for item in pending(client, "slack", NOW)] == [False]


class Broken:
    """A channel on which something happens in the middle of an attempt."""

    channel = "slack"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def send(self, transition: Transition, *, repeat: bool) -> None:  # noqa: ARG002
        raise self.error


def test_an_attempt_whose_end_nobody_knows_makes_a_marked_repeat(client: Client, slack: Slack) -> None:
    fire(client, "a")
    with pytest.raises(KeyboardInterrupt):
        deliver(client, Broken(KeyboardInterrupt()), NOW, threading.Event(), lambda: True)  # type: ignore[arg-type]
    assert [item.repeat for item in pending(client, "slack", NOW)] == [True]
    send(client, slack)
    assert [is_repeat(body) for body in slack.bodies] == [True]


def test_nothing_is_sent_whose_attempt_cannot_be_recorded(
    client: Client, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    fire(client, "a")

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(module, "_record", away)
        with pytest.raises(StoreUnavailableError):
            send(client, slack)
    assert slack.bodies == []
    send(client, slack)
    assert [is_repeat(body) for body in slack.bodies] == [False]


def test_waiting_ends_with_the_worker(client: Client) -> None:
    fire(client, "a")
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    notifier = Broken(DeliveryError("busy", again="soon", retry_after=29))
    deliver(client, notifier, NOW, stop, lambda: True)
    assert time.monotonic() - began < 5
