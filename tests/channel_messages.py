"""Messages that the tests of channels tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from driftline_alerts.channels.sample import sample

if TYPE_CHECKING:
    from driftline_alerts.message import Message

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
OPENED = replace(sample("support", NOW), phase="opened", severity="critical", can_accept=True)


def told(**changes: Any) -> Message:
    """The message about an incident that opened, with changes."""
    return replace(OPENED, **changes)
