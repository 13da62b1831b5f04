"""Which alert stands for an incident, and what it says in one line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from driftline_alerts.plain import place
from driftline_alerts.rule import DRIFT
from driftline_alerts.system_metrics import SYSTEM, title_of, written
from driftline_alerts.transition import OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.transition import Transition


def leading(latest: Sequence[Transition]) -> Transition:
    """Of the latest steps of an incident's alerts the one that stands for it.

    That is, of what is still wrong, the gravest; of these what drift detection found, as it says more; and the latest.
    """
    steps = [step for step in latest if step.state in OPEN] or latest
    return max(steps, key=lambda step: (step.gravity, step.rule.startswith(DRIFT), step.at))


def headline(lead: Transition, segments: int) -> str:
    """What was found, where and by how much, in one line.

    Args:
        lead: the step that stands for the incident.
        segments: how many the incident is in.
    """
    if lead.detail.headline:
        return lead.detail.headline
    where = f"{segments} segments" if segments > 1 else place(lead.segment)
    is_system = lead.metric in SYSTEM
    what = title_of(lead.metric) if is_system else f"{title_of(lead.metric)} of {where}"
    if lead.detail.note or math.isnan(lead.value):
        return f"{what}: {lead.detail.note or lead.why or 'no data'}"
    side = lead.detail.side if lead.state in OPEN else f"no longer {lead.detail.side}"
    among = f", {place(lead.segment)} first" if segments > 1 else ""
    value, limit = (written(lead.metric, number) for number in (lead.value, lead.threshold))
    return f"{what}{':' if is_system else ' is'} {value}, {side} {limit}{among}"
