"""Where people are told: a kind of channel is one module with its configuration, and a row in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_alerts.channels.slack import SlackConfig

if TYPE_CHECKING:
    from driftline_alerts.channels.config import ChannelConfig

CONFIGS: Final[dict[str, type[ChannelConfig]]] = {
    "slack": SlackConfig,
}
"""Kind, as in alerts.yaml -> what is configured of it."""
