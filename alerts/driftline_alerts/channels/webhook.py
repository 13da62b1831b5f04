"""A webhook of one's own: each message as JSON, signed, with a key by which the receiver knows a repeat.

It is told **at least once**, and again with the same ``webhook-id`` and ``Idempotency-Key``: who keeps the keys of a
day and drops what is there sees each message once. The signature is that of Standard Webhooks 1.0.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, SecretStr

from driftline_alerts.channels.config import Address, ChannelConfig, SigningSecret
from driftline_alerts.channels.payload import encode
from driftline_alerts.channels.sending import failure, post
from driftline_alerts.signature import headers, key_of

if TYPE_CHECKING:
    from driftline_alerts.message import Message
    from driftline_alerts.notifier import Notifier

# Not 400: it is what many say to a signature that they do not accept.
_BROKEN_MESSAGE: Final = frozenset({413, 415, 422})


class WebhookConfig(ChannelConfig):
    """An address that takes JSON."""

    kind: Literal["webhook"]
    url: Address = Field(description="Where it is posted to; redirections are not followed.")
    secret: SigningSecret = Field(
        description="What requests are signed with: at least 24 bytes, or `whsec_` and their base64."
    )

    def build(self, name: str, dashboard_url: str) -> Notifier:  # noqa: ARG002  messages bring their links along
        """What posts it."""
        return Webhook(name, self.url, self.secret)


class Webhook:
    """Posts messages to one address: at least once, with a key."""

    is_repeat_harmless = True

    def __init__(self, channel: str, url: SecretStr, secret: SecretStr) -> None:
        self.channel = channel
        self._url = url
        self._secret = secret
        self._who = f"channel {channel!r}: the webhook"

    def send(self, message: Message, *, thread: str, repeat: bool) -> str:  # noqa: ARG002  the id tells both
        """Post one message.

        Raises:
            DeliveryError: it was not taken, or it is not known whether it was.
        """
        body = encode(message)
        signed = headers(key_of(self._secret.get_secret_value()), message.id, datetime.now(UTC), body)
        kind = {"Content-Type": "application/json"}
        answer = post(self._url.get_secret_value(), body, kind | signed, who=self._who, key="url")
        if not 200 <= answer.status < 300:
            raise failure(answer, who=self._who, key="url", broken=_BROKEN_MESSAGE)
        return ""

    def find(self, message: Message, *, thread: str) -> str | None:  # noqa: ARG002
        """None: the receiver drops what it has."""
        return None
