"""The channels that people are told in: those of alerts.yaml, or the one that a setting names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr, ValidationError

from driftline.errors import SettingsError
from driftline_alerts.channels.slack import SlackConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.settings import Settings
    from driftline_alerts.channels.config import ChannelConfig
    from driftline_alerts.notifier import Notifier


def notifiers(settings: Settings, configured: Mapping[str, ChannelConfig]) -> list[Notifier]:
    """All of them, ready to send.

    Args:
        settings: with ``slack_webhook_url``, the channel ``slack`` where the file names none.
        configured: by name, as in alerts.yaml.

    Raises:
        SettingsError: the setting's address is none.
    """
    channels = dict(configured) or _of_settings(settings)
    return [config.build(name, dashboard_url(settings)) for name, config in channels.items()]


def dashboard_url(settings: Settings) -> str:
    """Where people reach the dashboard."""
    return str(settings.dashboard_url) or f"http://{settings.dashboard_host}:{settings.dashboard_port}"


def _of_settings(settings: Settings) -> dict[str, ChannelConfig]:
    if not settings.slack_webhook_url:
        return {}
    try:
        raw = {"kind": "slack", "webhook_url": SecretStr(str(settings.slack_webhook_url))}
        return {"slack": SlackConfig.model_validate(raw)}
    except ValidationError:  # its text could hold the address
        raise SettingsError(
            "the setting 'slack_webhook_url' must be an https:// address without blanks, as Slack shows it under "
            "'Incoming Webhooks'; correct it"
        ) from None
