"""Whether it is healthy, in one sentence: what, where, since when, from what to what. Names in it are anybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.stream import VOLUMES
from driftline_alerts.system_metrics import title_of, written
from driftline_dashboard.alerts.incident import in_zone
from driftline_dashboard.drift.drift_data import LATE
from driftline_dashboard.text import DIMENSION_TITLES, bounded, same_day, segment_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from driftline_dashboard.drift.drift_data import Watch
    from driftline_dashboard.health.open_alerts import Alert
    from driftline_dashboard.view import View

_NAMED: Final = ("prompt_version", "model", "prompt_name", "variant", "service", "environment")
"""Dimensions beside the feature, those first that tell most."""
_TITLES: Final = {"quality": "judged quality", "latency_p95": "latency p95"}
_MAX_NAME: Final = 60
_MAX_CHANGES: Final = 160
_START: Final = "Start driftline alert, or driftline up"
_OFF: Final = "the alert worker runs, and drift detection is off (the setting drift) or waits, as System says"
_BEGINS: Final = "the alert worker runs, and its first look takes a few minutes, unless the setting drift is off"


def unhealthy(alerts: Sequence[Alert]) -> str:
    """What is wrong, by the gravest of the alerts; what drift detection found goes before a limit that was passed.

    The figures are those of when it was found, and are said to be: what it is now stands in the numbers below.

    Args:
        alerts: open, at least one.
    """
    lead = max(alerts, key=lambda one: one.rank)
    found, step = lead.finding, lead.step
    where = dict(step.segment) | (dict(found.common) if found else {})
    text = f"{_owner(where)} {_what(lead)} since {same_day(step.started)}{_named(where)}"
    text += f", as found at {same_day(lead.found)}" if lead.found else ""
    if found and found.changed and not where.get("prompt_version"):
        text += f"; at that time: {bounded(in_zone(found.changes, found.started), _MAX_CHANGES)}"
    if step.detail.is_judges:
        text += "; it is the judge that changed"
    others = len(alerts) - 1
    more = "" if not others else f"; and {others:,} more open alert{'s' if others > 1 else ''}"
    return f"Unhealthy: {text}{more}"


def unwatched(watch: Watch, as_of: datetime, pause: timedelta) -> str:
    """That nothing looks for drift, and what to do; '' while something does.

    Args:
        watch: what is known of drift detection.
        as_of: now.
        pause: between two rounds of the alert worker.
    """
    if watch.looked is not None and as_of - watch.looked <= LATE + pause:
        return ""
    since = f" since {same_day(watch.looked)}" if watch.looked else ""
    if watch.runs:
        return f"Not watched for drift{since}: {_OFF if since else _BEGINS}"
    return f"Not watched{since}: no alert worker has looked. {_START}"


def healthy(watch: Watch, view: View) -> str:
    """What nothing was found in."""
    if not watch.monitors:
        return "No alert is open; drift detection has seen no stream yet"
    if view.filters:
        return "Healthy within the filters: no alert is open"
    noun = "feature" if watch.features == 1 else "features"
    found = "nothing found" if not watch.found else f"{watch.found:,} found and over"
    text = f"Healthy: {watch.features:,} {noun}, {watch.monitors:,} monitors, {found} in {view.window.label}"
    parts = [("still learning", watch.learning), ("suspicious", watch.suspicious)]
    return text + "".join(f"; {name}: {count:,}" for name, count in parts if count)


def _what(lead: Alert) -> str:
    step = lead.step
    title = _TITLES.get(step.metric, title_of(step.metric).lower())
    value, limit = (written(step.metric, number) for number in (step.value, step.threshold))
    within = _within(lead)
    if not lead.is_drift:
        return f"{title} was {value}{within}, {step.detail.side} its limit of {limit},"
    unit = " a minute" if step.metric in VOLUMES else ""
    return f"{title} {'fell' if step.value < step.threshold else 'rose'} from {limit} to {value}{unit}{within}"


def _within(lead: Alert) -> str:
    """The 95 % interval of the value; '' where it has none."""
    detail = lead.step.detail
    if detail.low is None or detail.high is None:
        return ""
    low, high = (written(lead.step.metric, number) for number in (detail.low, detail.high))
    return f" ({low} to {high})"


def _owner(where: Mapping[str, str]) -> str:
    if where.get("feature"):
        return f"{_name(where['feature'])}'s"
    return f"{_name(where['environment'])}'s" if where.get("environment") else "the"


def _named(where: Mapping[str, str]) -> str:
    known = [name for name in _NAMED if where.get(name) and (name != "environment" or where.get("feature"))]
    return "".join(f", {DIMENSION_TITLES[name].lower()} {_name(where[name])}" for name in known)


def _name(value: str) -> str:
    return bounded(segment_name(value), _MAX_NAME)
