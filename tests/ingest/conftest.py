"""A prepared database in a real embedded store, emptied for each test, and a bus beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftline.bus import open_bus
from driftline_processors import prices
from driftline_processors.install import install
from driftline_store.migrate import migrate
from ingest_support import Pipeline
from store_fixtures import embedded_store, store_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline_store.client import Client
    from store_fixtures import RunningStore

__all__ = ["embedded_store", "store_client"]

FILLED = (
    *("llm_spans", "llm_content", "llm_minutes", "evaluations", "judge_queue", "unpriced_models", "dead_letters"),
    *("evaluations_pending", "evaluations_matched", "matching_steps"),
)


@pytest.fixture(scope="session")
def prepared(embedded_store: RunningStore) -> Iterator[Client]:
    """A database with schema, views and prices."""
    admin = embedded_store.client()
    admin.command("CREATE DATABASE ingest")
    admin.close()
    client = embedded_store.client("ingest")
    migrate(client)
    install(client)
    prices.preload(client)
    yield client
    client.close()


@pytest.fixture
def pipeline(prepared: Client, tmp_path: Path) -> Iterator[Pipeline]:
    """Everything between a producer and the tables, in this process."""
    for table in FILLED:
        prepared.command(f"TRUNCATE TABLE {table}")
    with open_bus(f"sqlite:///{tmp_path / 'bus.db'}") as bus, Pipeline.open(bus, prepared) as opened:
        yield opened
