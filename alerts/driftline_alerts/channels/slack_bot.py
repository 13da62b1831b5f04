"""Slack as a bot: threads, and nothing is told twice, as a message can be looked up.

Each message carries its id as metadata. When nobody knows how an attempt ended, ``find`` reads what stands in the
channel or the thread since the message's time, and only what is not there is sent again. Two things can still make
a repeat: a message that Slack takes but shows only after the look-up, and more than 5,000 messages since then.
What makes an incident graver is shown in the channel too, as nobody may look into the thread.
The chart and the sign on the first message are extras: they are tried once, and a failure is only logged.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.channels.chart import alternative, chart
from driftline_alerts.channels.slack_api import SlackApi, ThreadGoneError
from driftline_alerts.channels.slack_blocks import body
from driftline_alerts.notifier import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

    from driftline_alerts.message import Message, Phase

logger = logging.getLogger(__name__)

EVENT: Final = "driftline_alert"
"""Type of the metadata that our messages carry."""

_PAGE: Final = 200
_PAGES: Final = 25
_SKEW_SECONDS: Final = 300
"""How far our clock may be ahead of Slack's."""

_SIGNS: Final[dict[Phase, str]] = {"acknowledged": "eyes", "resolved": "white_check_mark"}
"""Put on an incident's first message, so that who reads the channel alone sees how it stands."""


class SlackBot:
    """A Slack channel that a bot writes to: each message once."""

    is_repeat_harmless = True

    def __init__(
        self, channel: str, token: SecretStr, api_url: SecretStr, slack_channel: str, *, buttons: bool
    ) -> None:
        """Take what is needed, without using it.

        Args:
            channel: its name in alerts.yaml.
            token: of the bot.
            api_url: of Slack's Web API.
            slack_channel: id.
            buttons: whether messages have them; somebody has to listen.
        """
        self.channel = channel
        self._slack_channel = slack_channel
        self._buttons = buttons
        self._api = SlackApi(token, api_url, f"channel {channel!r}: Slack")

    def send(self, message: Message, *, thread: str, repeat: bool) -> str:  # noqa: ARG002  it was looked up
        """Post one message, into the thread if there is one, else as the first of a new one.

        Returns:
            The time stamp of the first message, which is the thread's id.

        Raises:
            DeliveryError: Slack did not take it, or did not say whether it did.
        """
        try:
            posted = self._post(message, thread)
        except ThreadGoneError:
            thread = ""
            posted = self._post(message, thread)
        first = thread or str(posted.get("ts", ""))
        self._add_to(first, message)
        return first

    def find(self, message: Message, *, thread: str) -> str | None:
        """Look for the message in its thread, or in the channel if it is the first.

        Raises:
            DeliveryError: Slack does not say now.
        """
        try:
            return self._found(message, thread)
        except ThreadGoneError:
            return self._found(message, "")

    def _found(self, message: Message, thread: str) -> str | None:
        for one in self._since(message, thread):
            metadata = one.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") == EVENT and payload.get("id") == message.id:
                return thread or str(one["ts"])
        return None

    def _post(self, message: Message, thread: str) -> dict[str, Any]:
        metadata = {"event_type": EVENT, "event_payload": {"id": message.id, "incident": message.incident}}
        where: dict[str, object] = {"channel": self._slack_channel}
        if thread:
            where |= {"thread_ts": thread, **({"reply_broadcast": True} if message.is_graver else {})}
        shown = body(message, buttons=self._buttons)
        return self._api.call("chat.postMessage", **where, **shown, metadata=metadata)

    def _since(self, message: Message, thread: str) -> Iterator[dict[str, Any]]:
        method, where = ("conversations.replies", {"ts": thread}) if thread else ("conversations.history", {})
        oldest = f"{message.at.timestamp() - _SKEW_SECONDS:.6f}"
        cursor = ""
        for _ in range(_PAGES):
            page = self._api.call(
                method,
                channel=self._slack_channel,
                oldest=oldest,
                limit=_PAGE,
                include_all_metadata=True,
                **where,
                **({"cursor": cursor} if cursor else {}),
            )
            yield from page.get("messages", [])
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return

    def _add_to(self, first: str, message: Message) -> None:
        """What is good to have but not worth a second attempt, which would repeat the message."""
        try:
            if sign := _SIGNS.get(message.phase):
                self._api.call("reactions.add", channel=self._slack_channel, timestamp=first, name=sign)
            if message.phase in {"opened", "sample"} and message.series is not None:
                self._upload(first, message)
        except (DeliveryError, KeyError) as error:
            logger.warning("the message was told, but its chart or sign was not added: %s", error)

    def _upload(self, first: str, message: Message) -> None:
        assert message.series is not None  # noqa: S101  the caller has looked
        picture = chart(message.series)
        if picture is None:
            return
        words = alternative(message.series)
        place = self._api.call("files.getUploadURLExternal", filename="chart.png", length=len(picture), alt_txt=words)
        self._api.put(str(place["upload_url"]), picture)
        files = [{"id": place["file_id"], "title": words}]
        self._api.call("files.completeUploadExternal", files=files, channel_id=self._slack_channel, thread_ts=first)
