"""A prepared database in a real embedded store, emptied for each test, and a bus beside it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from driftline.bus import open_bus
from ingest_support import Pipeline
from store_fixtures import PRICES_AND_RULES, embedded_store, empty, store_client
from stored_captures import Stored

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


@contextlib.contextmanager
def emptied(client: Client, folder: Path) -> Iterator[Pipeline]:
    """A pipeline into tables without rows."""
    empty(client, keep=PRICES_AND_RULES)
    with open_bus(f"sqlite:///{folder / 'bus.db'}") as bus, Pipeline.open(bus, client) as opened:
        yield opened


@pytest.fixture
def pipeline(prepared: Client, tmp_path: Path) -> Iterator[Pipeline]:
    """Everything between a producer and the tables, in this process."""
    with emptied(prepared, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def stored(prepared: Client, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """What all captured requests became."""
    with emptied(prepared, tmp_path_factory.mktemp("captured")) as opened:
        return Stored.store(opened)
