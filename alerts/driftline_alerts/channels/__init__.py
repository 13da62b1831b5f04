"""Where people are told: a kind of channel is one module with its configuration, and a row in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_alerts.channels.mail import MailConfig
from driftline_alerts.channels.pagerduty import PagerDutyConfig
from driftline_alerts.channels.slack import SlackConfig
from driftline_alerts.channels.webhook import WebhookConfig

if TYPE_CHECKING:
    from driftline_alerts.channels.config import ChannelConfig

CONFIGS: Final[dict[str, type[ChannelConfig]]] = {
    "slack": SlackConfig,
    "webhook": WebhookConfig,
    "pagerduty": PagerDutyConfig,
    "email": MailConfig,
}
"""Kind, as in alerts.yaml -> what is configured of it."""
