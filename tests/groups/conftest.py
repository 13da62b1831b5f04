"""A group on each kind of bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groups_support import group, recreate_topics
from kafka_server import OwnBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groups_support import Group


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Not the one that all tests share: ingest reads topics of fixed names. One that idles costs 3 % of a processor."""
    broker = OwnBroker(tmp_path_factory.mktemp("broker"))
    yield broker.address
    broker.stop()


@pytest.fixture
def kafka_group(own_broker: str, tmp_path: Path, partitions: int) -> Iterator[Group]:
    bus_url = f"kafka://{own_broker}?partitions={partitions}"
    recreate_topics(bus_url)
    with group(tmp_path, bus_url) as opened:
        yield opened


@pytest.fixture
def partitions() -> int:
    """Of a topic on Kafka; each that has messages takes an insert of its own."""
    return 3


@pytest.fixture
def sqlite_group(tmp_path: Path) -> Iterator[Group]:
    with group(tmp_path, f"sqlite:///{tmp_path}/bus.db") as opened:
        yield opened


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def any_group(request: pytest.FixtureRequest) -> Group:
    opened: Group = request.getfixturevalue(f"{request.param}_group")
    return opened
