"""What drift detection knows at one moment, written at once, so that a restart goes on exactly there.

The states of one step are one insert, so that a kill leaves all of them or none: the feed's, which says what was read,
never without those that were made of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from driftline_store.client import ONE_BLOCK, store_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clickhouse_connect.driver.client import Client

_LATEST = """\
SELECT name, step, state FROM drift_snapshots
WHERE step = (SELECT max(step) FROM drift_snapshots) ORDER BY at DESC LIMIT 1 BY name"""


@dataclass(frozen=True)
class Snapshot:
    """All states after a step.

    Attributes:
        step: counts up; 0 is before the first.
        states: by name.
    """

    step: int = 0
    states: Mapping[str, bytes] = field(default_factory=dict)


def save(client: Client, snapshot: Snapshot) -> None:
    """Write all states as one insert; each snapshot has a later step than the one that was loaded.

    Raises:
        StoreError: the store is away or fails; nothing was written, or all of it.
    """
    rows = [[name, snapshot.step, state] for name, state in snapshot.states.items()]
    with store_errors("saving the state of drift detection"):
        client.insert("drift_snapshots", rows, column_names=["name", "step", "state"], settings=ONE_BLOCK)


def load(client: Client) -> Snapshot:
    """The latest snapshot; one without states where there is none.

    Raises:
        StoreError: the store is away or fails the query.
    """
    with store_errors("reading the state of drift detection"):
        rows = client.query(_LATEST, column_formats={"state": "bytes"}).result_rows
    return Snapshot(rows[0][1], {name: state for name, _, state in rows}) if rows else Snapshot()
