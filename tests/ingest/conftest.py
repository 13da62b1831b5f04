"""A prepared database in a real embedded store, emptied for each test, and a bus beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftline.bus import open_bus
from ingest_support import Pipeline
from store_fixtures import PRICES_AND_RULES, embedded_store, empty, store_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline_store.client import Client
    from store_fixtures import RunningStore

__all__ = ["embedded_store", "store_client"]


@pytest.fixture(scope="session")
def prepared(embedded_store: RunningStore) -> Iterator[Client]:
    """A database with schema, views and prices."""
    client = embedded_store.client()
    yield client
    client.close()


@pytest.fixture
def pipeline(prepared: Client, tmp_path: Path) -> Iterator[Pipeline]:
    """Everything between a producer and the tables, in this process."""
    empty(prepared, keep=PRICES_AND_RULES)
    with open_bus(f"sqlite:///{tmp_path / 'bus.db'}") as bus, Pipeline.open(bus, prepared) as opened:
        yield opened
