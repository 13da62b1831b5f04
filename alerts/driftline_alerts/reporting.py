"""What the alert worker says about itself, and what it means that none says anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_processors.reports import ALIVE_SECONDS, Sample
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.lead import Lead
    from driftline_alerts.trouble import Trouble
    from driftline_processors.reports import Instance

PART: Final = "alert"
"""Its name in the reports; that of the command which runs it."""

_WORKED: Final = f"""\
SELECT count() > 0 FROM (
    (SELECT 1 FROM part_reports WHERE part = '{PART}' LIMIT 1)
    UNION ALL (SELECT 1 FROM alert_transitions LIMIT 1)
)"""


@dataclass
class Counts:
    """What a worker did since it follows its rules.

    Attributes:
        rounds: in which all rules were evaluated.
        changes: of alerts that rules led to.
        findings: of drift detection.
    """

    rounds: int = 0
    changes: int = 0
    findings: int = 0


def samples(rules: int, counts: Counts, lead: Lead, *troubles: Trouble) -> Iterator[Sample]:
    """What the worker says about itself; called from another thread."""
    yield Sample("rules", rules)
    yield Sample("leads", lead.is_held())
    for metric, value in vars(counts).items():
        yield Sample(metric, value)
    for trouble in troubles:
        for what, fault in trouble.faults().items():
            yield Sample("last_error", fault.at, what, text=fault.text)
            yield Sample("trouble_seconds", fault.seconds, what)


@dataclass(frozen=True)
class Missing:
    """That no alert worker runs.

    Attributes:
        is_grave: whether one ran before, so that somebody relies on it.
        do: what helps.
    """

    is_grave: bool
    what: str
    do: str


_GONE: Final = Missing(
    True,
    f"No alert worker has reported in the last {ALIVE_SECONDS} s, so nothing is watched and nobody is told",
    "Start it: driftline up, or driftline alert with the same bus and store. Its log says why it ended.",
)
_NEVER: Final = Missing(
    False,
    "Nobody evaluates the alert rules",
    "Run driftline alert with the same bus and store, or driftline up, to be told of what goes wrong.",
)


def missing(running: Iterable[Instance], *, has_worked: bool) -> Missing | None:
    """What to say where no alert worker is among the parts that run; None where one is."""
    if any(instance.part == PART for instance in running):
        return None
    return _GONE if has_worked else _NEVER


def has_worked(client: Client) -> bool:
    """Whether an alert worker has reported in the last days, or has ever told of anything.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    with store_errors("asking whether an alert worker ever ran"):
        return bool(client.query(_WORKED).result_rows[0][0])
