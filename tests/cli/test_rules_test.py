"""Samples to all channels, and what is said of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftline.errors import DriftlineError
from driftline_alerts.notifier import DeliveryError
from driftline_cli.rules_test import send_samples

if TYPE_CHECKING:
    from driftline_alerts.message import Message


class Channel:
    """Takes what comes, or says why not."""

    is_repeat_harmless = False

    def __init__(self, channel: str, error: str = "") -> None:
        self.channel = channel
        self.error = error
        self.taken: list[Message] = []

    def send(self, message: Message, *, thread: str, repeat: bool) -> str:  # noqa: ARG002
        if self.error:
            raise DeliveryError(self.error, again="later")
        self.taken.append(message)
        return ""

    def find(self, message: Message, *, thread: str) -> str | None:  # noqa: ARG002
        return None


def test_each_channel_gets_a_sample_that_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    channels = [Channel("support"), Channel("pager")]
    send_samples(channels, [])
    said = capsys.readouterr().out
    for one in channels:
        (message,) = one.taken
        assert message.phase == "sample"
        assert f"a sample for the channel {one.channel}" in message.sentences[0]
        assert f"channel '{one.channel}' took a sample" in said


def test_one_channel_can_be_tried_alone() -> None:
    channels = [Channel("support"), Channel("pager")]
    send_samples(channels, ["pager"])
    assert [len(one.taken) for one in channels] == [0, 1]


def test_a_channel_that_fails_does_not_keep_the_others_from_being_tried(capsys: pytest.CaptureFixture[str]) -> None:
    channels = [Channel("support", "Slack refuses us (404)"), Channel("pager")]
    with pytest.raises(DriftlineError, match=r"not all samples were taken \(support\)"):
        send_samples(channels, [])
    assert capsys.readouterr().out.splitlines()[0] == "failed  Slack refuses us (404)"
    assert len(channels[1].taken) == 1


def test_what_is_not_configured_is_said() -> None:
    with pytest.raises(DriftlineError, match="no channel is configured; add one to 'channels'"):
        send_samples([], [])
    with pytest.raises(DriftlineError, match="channel 'pagr' is not configured; did you mean 'pager'"):
        send_samples([Channel("pager")], ["pagr"])
