"""A message as JSON: all that it holds, for programs."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.channels.words import title
from driftline_store.metrics import METRICS

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_alerts.message import Message, Series

VERSION: Final = 1
"""Goes up when a key goes or changes its meaning; new keys may come without that."""


def encode(message: Message) -> bytes:
    """The JSON of a message, the same bytes each time that it is sent."""
    return json.dumps(payload(message), allow_nan=False).encode()


def payload(message: Message) -> dict[str, Any]:
    """A message in plain values, its times in ISO 8601 with their offset."""
    return {
        "version": VERSION,
        "id": message.id,
        "incident": message.incident,
        "phase": message.phase,
        "severity": message.severity,
        "at": _time(message.at),
        "title": title(message),
        "headline": message.headline,
        "segment": dict(message.segment),
        "facts": [
            {"label": one.label, "value": one.value if isinstance(one.value, str) else _time(one.value)}
            for one in message.facts
        ],
        "sentences": list(message.sentences),
        "examples": [vars(one) for one in message.examples],
        "series": _series(message.series) if message.series else None,
        "links": [vars(one) for one in message.links],
        "can_accept": message.can_accept,
        "is_system": message.is_system,
        "is_graver": message.is_graver,
    }


def _series(series: Series) -> dict[str, Any]:
    metric = METRICS.get(series.metric)
    return {
        "metric": series.metric,
        "unit": metric.unit if metric else None,
        "points": [[_time(moment), _number(value)] for moment, value in series.points],
        "limit": _number(series.limit),
        "started": _time(series.started),
    }


def _number(value: float | None) -> float | None:
    """JSON knows neither infinities nor NaN."""
    return value if value is not None and math.isfinite(value) else None


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
