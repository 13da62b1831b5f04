"""The alerts that are open now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from driftline_alerts.drift.finding import Finding
from driftline_alerts.rule import DRIFT
from driftline_alerts.transition import COLUMNS, from_row
from driftline_dashboard.alerts.incidents_data import OPEN_STEPS, may_lie_within
from driftline_dashboard.data import HALF_MINUTE
from driftline_dashboard.store import LIMITS, reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_alerts.transition import Transition
    from driftline_dashboard.view import View

_TTL: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Alert:
    """An alert that is open.

    Attributes:
        step: its last one.
        finding: what drift detection told last of the incident in the metric of that step; None of rules.
    """

    step: Transition
    finding: Finding | None = None

    @property
    def is_drift(self) -> bool:
        """Whether drift detection raised it, and no rule."""
        return self.step.rule.startswith(DRIFT)

    @property
    def rank(self) -> tuple[int, bool, datetime]:
        """What is graver ranks higher, then what drift detection found, then what began later."""
        return self.step.gravity, self.is_drift, self.step.started

    @property
    def found(self) -> datetime | None:
        """Of when its figures are; None where that is not known, as an acknowledgement keeps those of before."""
        if self.finding is not None:
            return self.finding.at
        return None if self.step.state == "acknowledged" else self.step.at

    def concerns(self, view: View) -> bool:
        """Whether it is about something that the filters let through."""
        return may_lie_within(self.step.segment, view)


_OPEN_ALERTS: Final = f"""\
SELECT {", ".join(COLUMNS)}, body
FROM (SELECT {", ".join(COLUMNS)} FROM alert_transitions WHERE id IN ({OPEN_STEPS}) LIMIT 1 BY id) AS step
LEFT JOIN (
    SELECT incident, metric, argMax(body, at) AS body FROM drift_findings
    WHERE at <= {{until:DateTime64(3, 'UTC')}} GROUP BY incident, metric
) AS found USING (incident, metric)"""


@st.cache_data(ttl=_TTL, max_entries=20, show_spinner=False)
def open_alerts(as_of: datetime) -> list[Alert]:
    """The alerts that are open at a moment, the gravest first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    parameters = {"until": as_of + HALF_MINUTE}
    with reading("the alerts") as client:
        rows: Sequence[Sequence[Any]] = client.query(_OPEN_ALERTS, parameters=parameters, settings=LIMITS).result_rows
    return sorted((_alert(*row) for row in rows), key=lambda one: one.rank, reverse=True)


def _alert(*row: Any) -> Alert:
    *told, body = row
    step = from_row(told)
    # A rule's alert can be part of what drift detection found.
    return Alert(step, Finding.model_validate_json(body) if body and step.rule.startswith(DRIFT) else None)
