"""A webhook of one's own: all of the message, signed, the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import math
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from channel_messages import NOW, OPENED, told
from channel_support import CLOSED, SECRET, Fault
from driftline_alerts.channels.payload import encode
from driftline_alerts.channels.webhook import Webhook
from driftline_alerts.message import Series
from driftline_alerts.notifier import DeliveryError

if TYPE_CHECKING:
    from channel_support import Services

KEY = f"{SECRET} that is long enough to sign"


def webhook(world: Services) -> Webhook:
    return Webhook("ops", SecretStr(world.hook), SecretStr(KEY))


def test_a_message_is_posted_whole(world: Services) -> None:
    assert webhook(world).send(OPENED, thread="", repeat=False) == ""
    (sent,) = world.told("hook")
    assert (sent["version"], sent["phase"], sent["severity"]) == (1, "opened", "critical")
    assert sent["segment"] == {"service": "shop", "feature": "checkout", "prompt_version": "v2"}
    assert [sent[key] for key in ("can_accept", "is_system", "is_graver")] == [True, False, False]
    assert sent["facts"][0] == {"label": "Since", "value": "2026-03-01T08:00:30.000+00:00"}
    assert sent["examples"][0]["why"].startswith("The answer invents")
    assert sent["series"]["points"][0] == ["2026-02-28T12:00:30.000+00:00", 0.93]
    assert (sent["series"]["unit"], sent["series"]["limit"]) == ("score", 0.85)
    assert sent["links"][1] == {"label": "Runbook", "url": "https://driftline.example/runbook"}


def test_the_receiver_can_prove_who_sent_it_and_knows_a_repeat(world: Services) -> None:
    for repeat in (False, True):
        webhook(world).send(OPENED, thread="", repeat=repeat)
    first, second = world.of("hook")
    assert first.body == second.body
    for one in (first, second):
        assert one.headers["idempotency-key"] == one.headers["webhook-id"] == OPENED.id
        signed = b".".join((OPENED.id.encode(), one.headers["webhook-timestamp"].encode(), one.body))
        expected = base64.b64encode(hmac.new(KEY.encode(), signed, hashlib.sha256).digest()).decode()
        assert one.headers["webhook-signature"] == f"v1,{expected}"


def test_what_json_does_not_know_is_null() -> None:
    points = ((NOW, math.nan), (NOW + timedelta(minutes=1), math.inf), (NOW + timedelta(minutes=2), None))
    said = json.loads(encode(told(series=Series("karma", points, math.nan, NOW))))
    assert [value for _, value in said["series"]["points"]] == [None, None, None]
    assert (said["series"]["limit"], said["series"]["unit"]) == (None, None)
    assert json.loads(encode(told(series=None)))["series"] is None


@pytest.mark.parametrize(
    ("fault", "meaning"),
    [
        (Fault(500), ("soon", False)),
        (Fault(504), ("soon", True)),
        (Fault(429, {"Retry-After": "5"}), ("soon", False)),
        (Fault(413), ("never", False)),
        (Fault(415), ("never", False)),
        (Fault(422), ("never", False)),
        (Fault(400), ("later", False)),  # such as of a signature that is not accepted
        (Fault(401), ("later", False)),
        (Fault(410), ("later", False)),
        (Fault(307, {"Location": "/hook/elsewhere"}), ("later", False)),
        (CLOSED, ("soon", True)),
    ],
)
def test_answers_are_understood_and_tell_no_secret(
    world: Services, fault: Fault, meaning: tuple[str, bool], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world.fail("hook", fault)
    with pytest.raises(DeliveryError) as caught:
        webhook(world).send(OPENED, thread="", repeat=False)
    assert (caught.value.again, caught.value.unsure) == meaning
    assert len(world.received) == 1  # no redirection was followed
    assert SECRET not in caplog.text + str(caught.value) + repr(vars(webhook(world)))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_one(world: Services, status: int) -> None:
    world.fail("hook", Fault(status))
    webhook(world).send(OPENED, thread="", repeat=False)
