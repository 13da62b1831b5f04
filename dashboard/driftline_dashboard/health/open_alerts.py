"""The alerts that are open now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from driftline_alerts.detail import Detail
from driftline_alerts.drift.finding import Finding
from driftline_dashboard.store import LIMITS, reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_TTL: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Alert:
    """An alert that is open.

    Attributes:
        finding: what drift detection told last of the incident; None of rules.
    """

    rule: str
    segment: dict[str, str]
    metric: str
    value: float
    threshold: float
    n: int
    started: datetime
    detail: Detail
    incident: str
    finding: Finding | None


_LAST_STEPS: Final = """\
SELECT * FROM (
    SELECT * FROM alert_transitions ORDER BY at DESC, id DESC LIMIT 1 BY rule, toString(mapSort(segment))
)
WHERE state IN ('firing', 'acknowledged', 'recovering')"""

_OPEN_ALERTS: Final = f"""\
WITH open AS ({_LAST_STEPS})
SELECT rule, segment, metric, value, threshold, n, started, detail, incident, body
FROM open LEFT JOIN (
    SELECT incident, argMax(body, at) AS body FROM drift_findings
    WHERE incident IN (SELECT incident FROM open) GROUP BY incident
) AS found USING (incident)
ORDER BY started DESC, rule"""


@st.cache_data(ttl=_TTL, max_entries=20, show_spinner=False)
def open_alerts(as_of: datetime) -> list[Alert]:
    """The alerts that fire, the newest first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    del as_of  # only the key of the cache
    with reading("the alerts") as client:
        rows: Sequence[Sequence[Any]] = client.query(_OPEN_ALERTS, settings=LIMITS).result_rows
    return [_alert(*row) for row in rows]


def _alert(rule: str, segment: Mapping[str, str], *row: Any) -> Alert:
    *known, detail, incident, body = row
    finding = Finding.model_validate_json(body) if body else None
    return Alert(*[str(rule), dict(segment), *known, Detail.parse(detail), incident, finding])
