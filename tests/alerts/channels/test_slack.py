"""Slack by a webhook: what is posted, and what is made of each end that it can have."""

from __future__ import annotations

import errno
import json
import logging
import socket
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from channel_messages import OPENED
from channel_support import CLOSED, HANGS, SECRET, Fault
from driftline_alerts.channels import sending
from driftline_alerts.channels.slack import SlackWebhook
from driftline_alerts.channels.slack_blocks import body
from driftline_alerts.notifier import DeliveryError

if TYPE_CHECKING:
    from channel_support import Services


def webhook(world: Services) -> SlackWebhook:
    return SlackWebhook("support", SecretStr(world.slack_webhook))


def refused(notifier: SlackWebhook) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        notifier.send(OPENED, thread="", repeat=False)
    return caught.value


def test_a_message_is_posted_and_starts_no_thread(world: Services, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert webhook(world).send(OPENED, thread="", repeat=True) == ""
    assert [one.json for one in world.of("slack")] == [json.loads(json.dumps(body(OPENED, repeat=True)))]
    assert SECRET not in caplog.text


def test_a_webhook_cannot_look_for_a_message(world: Services) -> None:
    webhook(world).send(OPENED, thread="", repeat=False)
    assert webhook(world).find(OPENED, thread="") is None


@pytest.mark.parametrize(
    ("fault", "meaning", "text"),
    [
        (Fault(429, {"Retry-After": "7"}), ("soon", False, 7.0), "Slack is busy or broken now (429)"),
        (Fault(429, {"Retry-After": "9" * 400}), ("soon", False, 3600.0), "(429)"),
        (Fault(500, {}, "<html>https://hooks"), ("soon", False, None), "Slack is busy or broken now (500)"),
        (Fault(503, {"retry-after": "soon"}), ("soon", False, None), "(503)"),
        (Fault(502), ("soon", True, None), "(502)"),
        (Fault(504), ("soon", True, None), "(504)"),
        (Fault(400, {}, "invalid_blocks"), ("never", False, None), "Slack refuses this message (400 invalid_blocks)"),
        (Fault(400, {}, "no_text"), ("never", False, None), "(400 no_text)"),
        (Fault(400, {}, "invalid_payload"), ("never", False, None), "(400 invalid_payload)"),
        (Fault(413), ("never", False, None), "Slack refuses this message (413)"),
        (Fault(400, {}, "user_not_found"), ("later", False, None), "Slack refuses us (400 user_not_found)"),
        (Fault(400, {}, "<html>"), ("later", False, None), "Slack refuses us (400)"),
        (Fault(404, {}, "no_service"), ("later", False, None), "Slack refuses us (404 no_service); correct 'webhook_u"),
        (Fault(403, {}, "action_prohibited"), ("later", False, None), "403 action_prohibited"),
        (Fault(302, {"Location": "/slack/x"}), ("later", False, None), "points elsewhere (302), which is not followed"),
        (CLOSED, ("soon", True, None), "Slack was not reached (RemoteDisconnected)"),
    ],
)
def test_answers_are_understood_and_tell_no_secret(
    world: Services,
    fault: Fault,
    meaning: tuple[str, bool, float | None],
    text: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    world.fail("slack", fault)
    error = refused(webhook(world))
    assert (error.again, error.unsure, error.retry_after) == meaning
    assert str(error).startswith("channel 'support': ")
    assert text in str(error)
    assert SECRET not in caplog.text + str(error) + repr(error)
    assert error.__cause__ is None
    assert len(world.received) == 1


def test_silence_ends_an_attempt_whose_end_nobody_knows(world: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.1)
    world.fail("slack", HANGS)
    error = refused(webhook(world))
    assert (error.again, error.unsure) == ("soon", True)


def test_an_address_where_nobody_listens(world: Services, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        notifier = SlackWebhook("support", SecretStr(f"http://127.0.0.1:{free.getsockname()[1]}/{SECRET}"))
        error = refused(notifier)
    assert str(error).startswith("channel 'support': Slack was not reached (ConnectionRefusedError); check the network")
    assert (error.again, error.unsure) == ("soon", False)
    assert SECRET not in caplog.text + str(error)


@pytest.mark.parametrize(
    "error", [TimeoutError(), OSError(errno.EHOSTUNREACH, "no route"), OSError(errno.ENETUNREACH, "no network")]
)
def test_without_a_connection_nothing_was_sent(
    world: Services, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def away(*_: object, **__: object) -> socket.socket:
        raise error

    monkeypatch.setattr(socket, "create_connection", away)
    found = refused(webhook(world))
    assert (found.again, found.unsure) == ("soon", False)
    assert f"was not reached ({type(error).__name__})" in str(found)


def test_before_the_connection_is_encrypted_nothing_was_sent(world: Services) -> None:
    error = refused(SlackWebhook("support", SecretStr(world.slack_webhook.replace("http:", "https:"))))
    assert (error.again, error.unsure) == ("soon", False)
    assert world.received == []


def test_a_proxy_that_leads_nowhere_has_sent_nothing(world: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", world.url)
    monkeypatch.setenv("no_proxy", "")
    error = refused(SlackWebhook("support", SecretStr("https://slack.invalid/slack/x")))
    assert (error.again, error.unsure) == ("soon", False)


def test_the_environments_proxy_is_asked(world: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", world.url)
    monkeypatch.setenv("no_proxy", "")
    SlackWebhook("support", SecretStr("http://slack.invalid/slack/x")).send(OPENED, thread="", repeat=False)
    (one,) = world.received
    assert one.path == "http://slack.invalid/slack/x"
