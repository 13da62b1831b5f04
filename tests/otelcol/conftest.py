"""A Kafka, a store and the running ingest, for all tests with a Collector."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import kafka_server
from driftline.settings import load
from driftline_processors import ingest_worker
from driftline_processors.prepare import prepare
from driftline_store.client import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline.settings import Settings
    from driftline_store.client import Client
    from store_fixtures import RunningStore


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of these tests alone: a Collector has no topics for others than its own."""
    own = kafka_server.OwnBroker(tmp_path_factory.mktemp("kafka"))
    yield own.address
    own.stop()


@pytest.fixture(scope="session")
def settings(broker: str, embedded_store: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    place = embedded_store.endpoint
    store = f"clickhouse://{place.user}:{place.password}@{place.host}:{place.port}"
    return load({}, bus=f"kafka://{broker}", store=store, data_dir=str(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="session")
def store(settings: Settings) -> Iterator[Client]:
    """The store that ``driftline ingest`` fills meanwhile."""
    stop = threading.Event()
    worker = threading.Thread(target=ingest_worker.run, args=(settings, stop))
    prepare(settings).close()
    client = connect(settings)
    worker.start()
    yield client
    stop.set()
    worker.join()
    client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For the Collector's files."""
    return tmp_path
