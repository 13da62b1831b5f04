"""Which incidents of rules there were, for lists. What drift detection has a part in is in its findings."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from driftline_alerts.headline import headline, leading
from driftline_alerts.plain import place
from driftline_alerts.rule import DRIFT
from driftline_alerts.system_metrics import SYSTEM
from driftline_alerts.transition import COLUMNS, OPEN, from_row
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.transition import Transition

# The latest step of each alert that came to something, of incidents that drift detection has no part in. Rows of before
# incidents were stored have no id to ask for.
_LATEST: Final = f"""\
SELECT {", ".join(COLUMNS)} FROM alert_transitions
WHERE state NOT IN ('pending', 'calm') AND incident IN (
    SELECT incident FROM alert_transitions
    WHERE incident != '' AND state NOT IN ('pending', 'calm') AND NOT startsWith(rule, {{drift:String}})
    GROUP BY incident, rule, segment
    HAVING max(at) >= toDateTime64({{since:Float64}}, 3, 'UTC') OR argMax(state, at) IN {{open:Array(String)}}
) AND incident NOT IN (SELECT incident FROM alert_transitions WHERE startsWith(rule, {{drift:String}}))
ORDER BY incident, at DESC, id DESC LIMIT 1 BY incident, rule, segment"""


@dataclass(frozen=True)
class RuleIncident:
    """What belongs together, of a rule.

    Attributes:
        latest: the latest step of each of its alerts.
    """

    id: str
    latest: tuple[Transition, ...]

    @property
    def lead(self) -> Transition:
        """The alert that stands for it."""
        return leading(self.latest)

    @property
    def open(self) -> tuple[Transition, ...]:
        """Its alerts that are not over."""
        return tuple(one for one in self.latest if one.state in OPEN)

    @property
    def where(self) -> str:
        """In words, which may be of several places."""
        if self.lead.metric in SYSTEM:
            return "Driftline itself"
        return place(self.lead.segment) if len(self.latest) == 1 else f"{len(self.latest)} segments"

    @property
    def since(self) -> datetime:
        """When something began to be wrong."""
        return min(one.started for one in self.latest)

    @property
    def headline(self) -> str:
        """What it is now, as a message says it."""
        return headline(self.lead, len(self.open or self.latest))


def rule_incidents(client: Client, since: datetime) -> list[RuleIncident]:
    """Those of rules that are open or had a step since a moment.

    Raises:
        StoreError: the store is away or fails the query.
    """
    parameters = {"since": since.timestamp(), "open": sorted(OPEN), "drift": DRIFT}
    with store_errors("reading the incidents of rules"):
        rows = client.query(_LATEST, parameters=parameters).result_rows
    steps = map(from_row, rows)
    return [RuleIncident(name, tuple(found)) for name, found in groupby(steps, key=lambda one: one.incident)]
