"""Messages block by block, and what is made of Slack's answers."""

from __future__ import annotations

import json
import logging
import math
import socket
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from driftline.errors import SettingsError
from driftline_alerts.detail import Detail
from driftline_alerts.notifier import DeliveryError
from driftline_alerts.slack import SlackNotifier
from driftline_alerts.slack_message import link, message
from driftline_alerts.state import Transition

if TYPE_CHECKING:
    from alert_support import Slack

STARTED = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
SINCE = "*Firing since*\n<!date^1772366430^{date_short_pretty} {time}|2026-03-01 12:00 UTC>"
FIRING = Transition(
    id="1",
    rule="low quality",
    segment=(("feature", "checkout"), ("model", "gpt-x"), ("prompt_version", "v 2&3")),
    state="firing",
    at=STARTED,
    started=STARTED,
    metric="quality",
    value=0.8123,
    threshold=0.85,
    n=1200,
    detail=Detail(side="below", window_minutes=60, low=0.79, high=0.83, severity="critical", description="Look at v2."),
)
DASHBOARD = "https://drift.example/"
URL = "https://drift.example/?feature=checkout&model=gpt-x&prompt_version=v+2%263"
LINK = f"<{URL.replace('&', '&amp;')}|Open in the dashboard>"


def fields(body: dict[str, Any]) -> list[str]:
    return [field["text"] for field in body["blocks"][2]["fields"]]


def test_firing() -> None:
    assert link(FIRING, DASHBOARD) == URL
    body = message(FIRING, DASHBOARD)
    assert body == {
        "text": "Firing: low quality (feature checkout, model gpt-x, prompt_version v 2&amp;3): "
        "Quality is 0.812, below 0.850",
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": ":red_circle: Firing: low quality", "emoji": True},
            },
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "*Quality is 0.812, below 0.850*\nLook at v2."},
            },
            {
                "type": "section",
                "fields": [
                    {
                        "type": "mrkdwn",
                        "text": "*Segment*\nfeature `checkout`\nmodel `gpt-x`\nprompt_version `v 2&amp;3`",
                    },
                    {"type": "mrkdwn", "text": "*Based on*\n1,200 judged answers in 1 h"},
                    {"type": "mrkdwn", "text": "*95 % interval*\n0.790 to 0.830"},
                    {"type": "mrkdwn", "text": SINCE},
                    {"type": "mrkdwn", "text": "*Severity*\ncritical"},
                ],
            },
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": LINK},
            },
        ],
    }


def test_resolved() -> None:
    resolved = replace(FIRING, state="resolved", value=0.9, at=STARTED.replace(hour=13))
    body = message(resolved, DASHBOARD)
    assert body["blocks"][0]["text"]["text"] == ":white_check_mark: Resolved: low quality"
    assert body["blocks"][1]["text"]["text"] == "*Quality is 0.900, no longer below 0.850*\nLook at v2."
    assert SINCE in fields(body)
    assert "*Resolved*\n<!date^1772370030^{date_short_pretty} {time}|2026-03-01 13:00 UTC>" in fields(body)


def test_relative_and_everything() -> None:
    detail = Detail(side="above", window_minutes=60, factor=2, baseline=0.0031, baseline_minutes=1440)
    cost = replace(FIRING, metric="cost_per_request", segment=(), value=0.0081, threshold=0.0062, detail=detail)
    body = message(cost, "http://localhost:8501")
    assert body["text"] == (
        "Firing: low quality: Cost per request is $0.0081, above $0.0062 (2 times $0.0031 in the 24 h before)"
    )
    assert fields(body)[0] == "*Segment*\neverything"
    assert not any("interval" in field for field in fields(body))
    assert body["blocks"][3]["text"]["text"] == "<http://localhost:8501/|Open in the dashboard>"


def test_withdrawn_and_a_metric_of_another_version() -> None:
    gone = replace(FIRING, state="resolved", value=math.nan, n=0, detail=FIRING.detail.withdrawn())
    body = message(gone, DASHBOARD)
    assert "Quality: the rule was removed or changed" in body["blocks"][1]["text"]["text"]
    assert not any("Based on" in field for field in fields(body))
    assert "karma is 0.8123, below 0.85" in message(replace(FIRING, metric="karma"), DASHBOARD)["text"]


def test_a_repeat_says_so() -> None:
    block = message(FIRING, DASHBOARD, repeat=True)["blocks"][-1]
    assert block["type"] == "context"
    assert "may have been sent before" in block["elements"][0]["text"]


def test_no_value_can_mention_link_or_format() -> None:
    hostile = "<!channel> <https://evil.example|x> & `*b*`\n\n# h " + "x" * 5000
    body = message(
        replace(
            FIRING,
            rule="<!here> & co",
            segment=(("service", "&" * 99), ("feature", hostile), ("model", ""), ("prompt_name", "\u202e`")),
            detail=FIRING.detail.model_copy(update={"description": "a <!channel> & b" + "&" * 999}),
        ),
        DASHBOARD,
    )
    texts = [body["text"], body["blocks"][1]["text"]["text"], *fields(body)]
    for text in texts:
        assert len(text) <= 3000
        for sign in ("<!channel", "<!here", "<https"):
            assert sign not in text
    assert "feature `&lt;!channel&gt; &lt;https://evil.example|x&gt; &amp; '*b*' # h xxx" in fields(body)[0]
    assert "model (none)" in fields(body)[0]
    assert max(map(len, fields(body))) <= 2000
    address = body["blocks"][3]["text"]["text"]
    assert address.count("<") == address.count(">") == address.count("|") == 1
    assert len(json.dumps(body)) < 40_000


ANSWERS = [
    ((429, {"Retry-After": "7"}, ""), ("soon", False, 7.0), "429"),
    ((500, {}, "<html>https://hooks"), ("soon", False, None), "Slack is busy or broken now (500)"),
    ((503, {"retry-after": "soon"}, ""), ("soon", False, None), "503"),
    ((502, {}, ""), ("soon", True, None), "502"),
    ((400, {}, "invalid_blocks"), ("never", False, None), "Slack refuses this message (400 invalid_blocks)"),
    ((404, {}, "no_service"), ("later", False, None), "correct the setting 'slack_webhook_url'"),
    ((403, {}, "action_prohibited"), ("later", False, None), "403 action_prohibited"),
]


@pytest.mark.parametrize(("answer", "meaning", "text"), ANSWERS)
def test_answers_are_understood_and_tell_no_secret(
    slack: Slack,
    answer: tuple[int, dict[str, str], str],
    meaning: tuple[str, bool, float | None],
    text: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    slack.answers.append(answer)
    with pytest.raises(DeliveryError) as caught:
        SlackNotifier(slack.url, DASHBOARD).send(FIRING, repeat=False)
    error = caught.value
    assert (error.again, error.unsure, error.retry_after) == meaning
    assert text in str(error)
    assert "SECRET" not in caplog.text + str(error) + repr(error)
    assert (error.__cause__, error.__suppress_context__) in {(None, False), (None, True)}


def test_a_good_answer(slack: Slack, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    SlackNotifier(slack.url, DASHBOARD).send(FIRING, repeat=True)
    assert slack.bodies == [message(FIRING, DASHBOARD, repeat=True)]
    assert "SECRET" not in caplog.text


def test_an_address_where_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        notifier = SlackNotifier(f"http://127.0.0.1:{free.getsockname()[1]}/SECRET", DASHBOARD)
        with pytest.raises(DeliveryError, match=r"was not reached \(ConnectionRefusedError\)") as caught:
            notifier.send(FIRING, repeat=False)
    assert (caught.value.again, caught.value.unsure) == ("soon", False)
    assert "SECRET" not in caplog.text + str(caught.value)


@pytest.mark.parametrize("url", ["hooks.slack.com/SECRET", "ftp://x/SECRET", "https://a b/SECRET", "https:///SECRET"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SettingsError, match="'slack_webhook_url' must be an https:// address") as caught:
        SlackNotifier(url, DASHBOARD)
    assert "SECRET" not in str(caught.value)
