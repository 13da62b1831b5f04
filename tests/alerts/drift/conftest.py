"""The alerts' database, emptied of what drift detection reads and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from driftline_store.client import Client

_TABLES = (
    *("llm_rollups", "judged_rollups", "llm_spans", "llm_traces", "evaluations", "anchors"),
    *("drift_snapshots", "drift_events", "drift_findings", "drift_actions"),
)


@pytest.fixture
def client(alert_database: Client) -> Client:
    for table in _TABLES:
        alert_database.command(f"TRUNCATE TABLE {table}")
    return alert_database
