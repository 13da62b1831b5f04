"""A prepared database in a real embedded store, emptied for each test, and a bus beside it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from clickhouse_connect.driver.exceptions import Error as ClickHouseError

from driftline.bus import open_bus
from driftline_processors.targets import TARGETS
from ingest_support import Pipeline
from made_spans import Made
from store_fixtures import PRICES_AND_RULES, empty
from stored_captures import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline_store.client import Client
    from store_fixtures import RunningStore

SPANS = TARGETS[0]


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


@pytest.fixture(scope="session")
def made_rows(request: pytest.FixtureRequest, prepared: Client) -> list[dict[str, Any]]:
    """Rows of the spans that the tests of this run are parametrised with, stored with one insert."""
    parameters = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    messages = [one["row"].message for one in parameters if isinstance(one.get("row"), Made)]
    empty(prepared, keep=PRICES_AND_RULES)
    try:
        SPANS.insert(prepared, messages, token="")
    except ClickHouseError:  # one of them stops it, and its test is to fail alone
        for message in messages:
            with contextlib.suppress(ClickHouseError):
                SPANS.insert(prepared, [message], token="")
    return list(prepared.query("SELECT * FROM llm_spans").named_results())


@pytest.fixture
def row(request: pytest.FixtureRequest, made_rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one row of the span that the test is parametrised with, see ``made_spans.made``."""
    [found] = [row for row in made_rows if row["trace_id"] == request.param.trace_id]
    return found
