"""Slack, through an incoming webhook. Its address is the secret: it is in no log, error or text."""

from __future__ import annotations

import logging
import re
import socket
import ssl
from typing import TYPE_CHECKING, Final
from urllib.error import URLError

from slack_sdk.webhook import WebhookClient

from driftline.errors import SettingsError
from driftline_alerts.notifier import DeliveryError
from driftline_alerts.slack_message import message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slack_sdk.webhook import WebhookResponse

    from driftline_alerts.state import Transition

_SECONDS: Final = 10
_BROKEN_MESSAGE: Final = frozenset({400, 413})
_UNKNOWN_END: Final = frozenset({502, 504})
# Nothing was sent yet when these are raised.
_BEFORE: Final = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)


class SlackNotifier:
    """A Slack channel behind an incoming webhook, which has no way to recognise a repeated message."""

    channel = "slack"

    def __init__(self, webhook_url: str, dashboard_url: str) -> None:
        """Check the address, without using it.

        Args:
            webhook_url: of the incoming webhook.
            dashboard_url: where people reach the dashboard.

        Raises:
            SettingsError: the webhook's address is no web address.
        """
        if not re.fullmatch(r"https?://[^\s/]+/?\S*", webhook_url):
            raise SettingsError(
                "the setting 'slack_webhook_url' must be an https:// address without blanks, as Slack "
                "shows it under 'Incoming Webhooks'; correct it"
            )
        self._dashboard_url = dashboard_url
        # slack_sdk logs the address when it thinks that somebody debugs, so it gets a log that leads nowhere.
        quiet = logging.Logger("slack", level=logging.CRITICAL + 1)  # noqa: LOG001
        # We retry ourselves, to record each attempt.
        self._client = WebhookClient(webhook_url, timeout=_SECONDS, logger=quiet, retry_handlers=[])

    def send(self, transition: Transition, *, repeat: bool) -> None:
        """Post one message.

        Raises:
            DeliveryError: Slack did not take it, or did not say whether it did.
        """
        body = message(transition, self._dashboard_url, repeat=repeat)
        try:
            response = self._client.send_dict(body)
        except Exception as error:  # noqa: BLE001  texts of the HTTP library can hold the address
            raise _not_reached(error) from None
        if response.status_code != 200:
            raise _not_taken(response)


def _not_reached(error: Exception) -> DeliveryError:
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    kind = type(cause).__name__
    return DeliveryError(
        f"Slack was not reached ({kind}); check the network and the setting 'slack_webhook_url'",
        again="soon",
        unsure=not isinstance(cause, _BEFORE),
    )


def _not_taken(response: WebhookResponse) -> DeliveryError:
    status = response.status_code
    said = response.body.strip() if isinstance(response.body, str) else ""
    # Slack's reasons are single words; anything else comes from something in between and is not repeated.
    reason = f"{status} {said}" if re.fullmatch(r"[a-z_]{1,40}", said) else str(status)
    if status == 429 or status >= 500:
        return DeliveryError(
            f"Slack is busy or broken now ({reason}); it will be tried again",
            again="soon",
            unsure=status in _UNKNOWN_END,
            retry_after=_retry_after(response.headers),
        )
    if status in _BROKEN_MESSAGE:
        return DeliveryError(f"Slack refuses this message ({reason})", again="never")
    return DeliveryError(
        f"Slack refuses the webhook ({reason}); correct the setting 'slack_webhook_url'", again="later"
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Slack gives whole seconds; other forms are ignored."""
    value = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(value) if value.isdigit() else None
