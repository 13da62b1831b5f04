"""PagerDuty, by its Events API v2. Our incident is its alert: all events about it carry one ``dedup_key``.

An event is sent **at least once**, and a repeat pages nobody: a trigger for an open alert is an entry in its log,
acknowledging or resolving again changes nothing. Only if somebody resolves the alert in PagerDuty while our incident
goes on does the next update open another one.

https://github.com/PagerDuty/developer-docs/tree/main/docs/events-API-v2
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field, SecretStr

from driftline_alerts.channels import words
from driftline_alerts.channels.config import Address, ChannelConfig, Secret
from driftline_alerts.channels.sending import failure, post
from driftline_alerts.channels.sparkline import sparkline, spread
from driftline_alerts.notifier import DeliveryError
from driftline_alerts.plain import clean, short

if TYPE_CHECKING:
    from driftline_alerts.channels.sending import Answer
    from driftline_alerts.message import Message, Phase
    from driftline_alerts.notifier import Notifier

Region = Literal["us", "eu"]

_REGIONS: Final[dict[Region, str]] = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}
_ACTIONS: Final[dict[Phase, tuple[str, ...]]] = {
    "opened": ("trigger",),
    "update": ("trigger",),
    "acknowledged": ("acknowledge",),
    "resolved": ("resolve",),
    "sample": ("trigger", "resolve"),  # so that nobody has to clear it up
}
_TAKEN: Final = 202
_LONGEST_SUMMARY: Final = 1024
_LONGEST_KEY: Final = 255


class PagerDutyConfig(ChannelConfig):
    """A service in PagerDuty."""

    kind: Literal["pagerduty"]
    routing_key: Secret = Field(description="Of the service's integration 'Events API v2': 32 characters.")
    region: Region = Field(default="us", description="Where the account is kept.")
    url: Address | None = Field(default=None, description="Instead of the region's, such as of a relay.")

    def build(self, name: str, dashboard_url: str) -> Notifier:
        """What sends events."""
        url = self.url or SecretStr(_REGIONS[self.region])
        return PagerDuty(name, url, self.routing_key, dashboard_url)


class PagerDuty:
    """Opens, acknowledges and resolves alerts: at least once, and a repeat changes nothing."""

    is_repeat_harmless = True

    def __init__(self, channel: str, url: SecretStr, routing_key: SecretStr, dashboard_url: str) -> None:
        self.channel = channel
        self._url = url
        self._routing_key = routing_key
        self._dashboard_url = dashboard_url
        self._who = f"channel {channel!r}: PagerDuty"

    def send(self, message: Message, *, thread: str, repeat: bool) -> str:  # noqa: ARG002  dedup_key is both
        """Send what has happened.

        Raises:
            DeliveryError: it was not taken, or it is not known whether it was.
        """
        for action in _ACTIONS[message.phase]:
            self._post(self._event(message, action))
        return ""

    def find(self, message: Message, *, thread: str) -> str | None:  # noqa: ARG002
        """None: events cannot be looked up, and need not."""
        return None

    def _event(self, message: Message, action: str) -> dict[str, Any]:
        event = {
            "routing_key": self._routing_key.get_secret_value(),
            "event_action": action,
            "dedup_key": short(message.incident, _LONGEST_KEY),
        }
        if action != "trigger":
            return event
        return event | {
            "client": "Driftline",
            "client_url": self._dashboard_url,
            "links": [{"href": one.url, "text": clean(one.label)} for one in message.links],
            "payload": _payload(message),
        }

    def _post(self, event: dict[str, Any]) -> None:
        kind = {"Content-Type": "application/json"}
        answer = post(self._url.get_secret_value(), json.dumps(event).encode(), kind, who=self._who, key="region")
        if answer.status != _TAKEN:
            raise self._refused(answer)

    def _refused(self, answer: Answer) -> DeliveryError:
        is_key = "routing" in answer.text.lower() and "key" in answer.text.lower()
        if answer.status == 400 and is_key:
            return DeliveryError(f"{self._who} does not know the key (400); correct 'routing_key'", again="later")
        return failure(answer, who=self._who, key="routing_key", broken=frozenset({400, 413}))


def _payload(message: Message) -> dict[str, Any]:
    segment = dict(words.segment(message))
    placed = {"component": segment.get("feature"), "group": segment.get("environment")}
    if message.series is not None:
        placed["class"] = message.series.metric
    return {
        "summary": short(words.title(message), _LONGEST_SUMMARY),
        "source": segment.get("service") or "driftline",
        "severity": message.severity,
        "timestamp": message.at.isoformat(timespec="milliseconds"),
        "custom_details": _details(message, segment),
        **{name: value for name, value in placed.items() if value},
    }


def _details(message: Message, segment: dict[str, str]) -> dict[str, Any]:
    details: dict[str, Any] = {clean(one.label): words.shown(one.value) for one in message.facts}
    details |= {"segment": segment, "what is known": [clean(one) for one in message.sentences]}
    if message.series is not None and (bars := sparkline(message.series)):
        low, high = spread(message.series)
        details["course"] = f"{bars} ({low} to {high})"
    if message.examples:
        details["examples"] = [
            [*(f"{lead} {rest}".strip() for lead, rest in words.said(one)), one.url] for one in message.examples
        ]
    return details
