"""A database with the schema in a real embedded store, emptied for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from channel_support import Services, services
from driftline_store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_store.client import Client
    from store_fixtures import RunningStore

DATABASE = "alerts"
_EMPTIED = (
    *("llm_rollups", "alert_transitions", "alert_deliveries", "alert_actions"),
    *("alert_channels", "drift_snapshots", "drift_findings", "part_reports"),
)


@pytest.fixture(scope="session")
def alert_database(embedded_store: RunningStore) -> Iterator[Client]:
    admin = embedded_store.client()
    admin.command(f"CREATE DATABASE {DATABASE}")
    admin.close()
    client = embedded_store.client(DATABASE)
    migrate(client)
    yield client
    client.close()


@pytest.fixture
def client(alert_database: Client) -> Client:
    for table in _EMPTIED:
        alert_database.command(f"TRUNCATE TABLE {table}")
    return alert_database


@pytest.fixture
def store_url(embedded_store: RunningStore, client: Client) -> str:
    """URL of the emptied database, for workers."""
    at = embedded_store.endpoint
    return f"clickhouse://{at.user}:{at.password}@{at.host}:{at.port}/{DATABASE}"


@pytest.fixture(scope="session")
def running_services() -> Iterator[Services]:
    with services() as state:
        yield state


@pytest.fixture
def world(running_services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """The services, with nothing in them yet."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    for kept in ("received", "faults", "only", "posts", "files", "reactions"):
        getattr(running_services, kept).clear()
    return running_services
