"""Slack: through an incoming webhook, or as a bot. Either way what lets us in is in no log, error or text.

An incoming webhook has no way to recognise a repeated message: it is told **at least once**, and what may be a repeat
says so. A bot looks up whether a message has arrived before it sends it again: see ``slack_bot``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from driftline_alerts.channels.config import Address, ChannelConfig, Secret, SecretAddress
from driftline_alerts.channels.sending import failure, post
from driftline_alerts.channels.slack_api import BROKEN_MESSAGE
from driftline_alerts.channels.slack_blocks import body
from driftline_alerts.channels.slack_bot import SlackBot

if TYPE_CHECKING:
    from driftline_alerts.message import Message
    from driftline_alerts.notifier import Notifier

_API: Final = SecretStr("https://slack.com/api/")
_TOO_LARGE: Final = 413


class SlackConfig(ChannelConfig):
    """A Slack channel."""

    kind: Literal["slack"]
    webhook_url: SecretAddress | None = Field(default=None, description="Of an incoming webhook; or the next two.")
    token: Secret | None = Field(default=None, description="Of a bot, which begins with `xoxb-`.")
    channel: str = Field(
        default="", pattern="^([CGD][A-Z0-9]{5,20})?$", description="Id of the bot's channel, such as `C0123456789`."
    )
    app_token: Secret | None = Field(
        default=None, description="Of the bot's app, which begins with `xapp-`: messages have buttons, by Socket Mode."
    )
    api_url: Address | None = Field(
        default=None,
        description="Of another Web API than Slack's own, such as GovSlack's `https://slack-gov.com/api/`.",
    )

    @property
    def api(self) -> SecretStr:
        """Address of the Web API."""
        return self.api_url or _API

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.webhook_url is None) == (self.token is None):
            raise ValueError("needs exactly one of 'webhook_url' and 'token'")
        if (self.token is None) != (not self.channel):
            raise ValueError("needs 'channel', the id of a Slack channel, with 'token', and only then")
        if self.app_token is not None and self.token is None:
            raise ValueError("has an 'app_token', which needs 'token' and 'channel' beside it")
        return self

    def build(self, name: str, dashboard_url: str) -> Notifier:  # noqa: ARG002  messages bring their links along
        """The webhook, or the bot."""
        if self.token is None:
            assert self.webhook_url is not None  # noqa: S101  _check has seen to it
            return SlackWebhook(name, self.webhook_url)
        return SlackBot(name, self.token, self.api, self.channel, buttons=self.app_token is not None)


class SlackWebhook:
    """A Slack channel behind an incoming webhook: at least once, repeats marked."""

    is_repeat_harmless = False

    def __init__(self, channel: str, url: SecretStr) -> None:
        self.channel = channel
        self._url = url
        self._who = f"channel {channel!r}: Slack"

    def send(self, message: Message, *, thread: str, repeat: bool) -> str:  # noqa: ARG002  webhooks have no threads
        """Post one message.

        Raises:
            DeliveryError: Slack did not take it, or did not say whether it did.
        """
        sent = json.dumps(body(message, repeat=repeat)).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = post(self._url.get_secret_value(), sent, headers, who=self._who, key="webhook_url")
        if answer.status != 200:
            said = answer.text.strip()
            # Slack's reasons are single words; anything else comes from something in between and is not repeated.
            reason = said if re.fullmatch(r"[a-z_]{1,40}", said) else ""
            # Its status says less: 400 is also said of somebody who is not there.
            broken = frozenset({answer.status if BROKEN_MESSAGE.fullmatch(reason) else _TOO_LARGE})
            raise failure(answer, who=self._who, key="webhook_url", reason=reason, broken=broken)
        return ""

    def find(self, message: Message, *, thread: str) -> str | None:  # noqa: ARG002
        """None: a webhook cannot look."""
        return None
