"""A message that means nothing, with all that a message can hold: for people who try a channel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from driftline_alerts.digest import digest
from driftline_alerts.message import Fact, Link, Message, Quote, Series

_STEP: Final = timedelta(minutes=30)
_BEFORE: Final = (0.93, 0.92, 0.94, 0.93, 0.92, 0.93, 0.94, 0.92)
_AFTER: Final = (0.86, 0.81, 0.80, 0.82, 0.81, 0.80, 0.82, 0.81)
_DASHBOARD: Final = "https://driftline.example/"


def sample(name: str, now: datetime | None = None) -> Message:
    """A made-up drop in quality.

    Args:
        name: of the channel that it is for.
        now: the present; None: by the clock.
    """
    at = now or datetime.now(UTC)
    begin = at - _STEP * 48
    values = _BEFORE * 5 + _AFTER
    points = tuple((begin + _STEP * number, value) for number, value in enumerate(values))
    return Message(
        id=digest("sample", name, at.isoformat()),
        incident=digest("sample", name, at.isoformat(), length=12),
        phase="sample",
        severity="info",
        headline="Quality of feature checkout, prompt_version v2 fell from 0.930 to 0.812 (0.790 to 0.834)",
        segment=(("service", "shop"), ("feature", "checkout"), ("prompt_version", "v2")),
        facts=(
            Fact("Since", points[40][0]),
            Fact("Based on", "1,204 judged answers"),
            Fact("95 % interval", "0.790 to 0.834"),
            Fact("Touched", "3,410 requests, 2,950 sessions, 2,700 users"),
            Fact("At that time", "prompt version v1 -> v2"),
        ),
        sentences=(
            f"This is a sample for the channel {name}: nothing has happened, and all figures are made up.",
            "A real message says what changed, since when, how sure that is and who is touched.",
        ),
        examples=(
            Quote(
                url=_DASHBOARD,
                value="0.10",
                why="The answer invents a deadline that the policy does not have.",
                asked="Can I return the shoes after six weeks?",
                answered="Yes, within 90 days.",
            ),
        ),
        series=Series("quality", points, 0.85, points[40][0]),
        links=(Link("Open in the dashboard", _DASHBOARD), Link("Runbook", f"{_DASHBOARD}runbook")),
        at=at,
    )
