"""Whether it is healthy, in one sentence: what, where, since when, from what to what. Names in it are anybody's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.stream import VOLUMES
from driftline_alerts.rule import DRIFT, SEVERITIES
from driftline_alerts.system_metrics import title_of, written
from driftline_dashboard.text import DIMENSION_TITLES, bounded, same_day, segment_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from driftline_dashboard.drift.drift_data import Watch
    from driftline_dashboard.health.open_alerts import Alert
    from driftline_dashboard.view import View

_LATE: Final = timedelta(minutes=15)
"""Drift detection says every five minutes that it runs."""
_NAMED: Final = ("prompt_version", "model", "prompt_name", "variant", "service", "environment")
"""Dimensions beside the feature, those first that tell most."""
_TITLES: Final = {"quality": "judged quality", "latency_p95": "latency p95"}
_MAX_NAME: Final = 60
_MAX_CHANGES: Final = 160


def unhealthy(alerts: Sequence[Alert]) -> str:
    """What is wrong, by the gravest of the alerts; what drift detection found goes before a limit that was passed.

    Args:
        alerts: open, at least one.
    """
    lead = max(alerts, key=lambda one: (SEVERITIES.index(one.detail.severity), one.rule.startswith(DRIFT), one.started))
    found = lead.finding
    where = lead.segment | (dict(found.common) if found else {})
    text = f"{_owner(where)} {_what(lead)} since {same_day(lead.started)}{_named(where)}"
    if found and found.changed and not where.get("prompt_version"):
        text += f"; at that time: {bounded(found.changes, _MAX_CHANGES)}"
    if lead.detail.is_judges:
        text += "; it is the judge that changed"
    others = len(alerts) - 1
    more = "" if not others else f"; and {others:,} more open alert{'s' if others > 1 else ''}"
    return f"Unhealthy: {text}{more}"


def healthy(watch: Watch, view: View, as_of: datetime) -> str:
    """What nothing was found in."""
    if watch.looked is None:
        return "No alert is open. Drift detection has not looked at anything yet: driftline alert runs it"
    noun = "feature" if watch.features == 1 else "features"
    found = "nothing found" if not watch.found else f"{watch.found:,} found and over"
    text = f"Healthy: {watch.features:,} {noun}, {watch.monitors:,} monitors, {found} in {view.window.label}"
    parts = [("still learning", watch.learning), ("suspicious", watch.suspicious)]
    text += "".join(f"; {name}: {count:,}" for name, count in parts if count)
    if as_of - watch.looked > _LATE:
        text += f"; drift detection last looked at {same_day(watch.looked)}: see that driftline alert runs"
    return text


def _what(lead: Alert) -> str:
    title = _TITLES.get(lead.metric, title_of(lead.metric).lower())
    value, limit = (written(lead.metric, number) for number in (lead.value, lead.threshold))
    if not lead.rule.startswith(DRIFT):
        return f"{title} is {value}, {lead.detail.side} its limit of {limit},"
    unit = " a minute" if lead.metric in VOLUMES else ""
    return f"{title} {'fell' if lead.value < lead.threshold else 'rose'} from {limit} to {value}{unit}"


def _owner(where: Mapping[str, str]) -> str:
    if where.get("feature"):
        return f"{_name(where['feature'])}'s"
    return f"{_name(where['environment'])}'s" if where.get("environment") else "the"


def _named(where: Mapping[str, str]) -> str:
    known = [name for name in _NAMED if where.get(name) and (name != "environment" or where.get("feature"))]
    return "".join(f", {DIMENSION_TITLES[name].lower()} {_name(where[name])}" for name in known)


def _name(value: str) -> str:
    return bounded(segment_name(value), _MAX_NAME)
