"""A prepared database in a real embedded store, emptied for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftline.settings import load
from driftline_processors.dictionaries import DICTIONARIES
from driftline_store import retention
from store_fixtures import FOR_EVER, embedded_store, empty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_store.client import Client
    from store_fixtures import RunningStore

__all__ = ["embedded_store"]  # one of their own: they change prices and limits, which other folders take as given


@pytest.fixture(scope="session")
def prepared(embedded_store: RunningStore) -> Iterator[Client]:
    """The default database, which the parts under test connect to by themselves, with schema and views."""
    client = embedded_store.client()
    yield client
    client.close()


@pytest.fixture
def client(prepared: Client) -> Client:
    empty(prepared, keep=["answer_checks"])
    # Tests that run a whole part leave its limits, and calls of long ago are among what others store.
    retention.apply(prepared, load({}, **FOR_EVER))
    for dictionary in DICTIONARIES:
        dictionary.reload(prepared)
    return prepared
