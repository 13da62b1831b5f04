"""A group on each kind of bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from groups_support import PARTITIONS, group, recreate_topics
from kafka_server import OwnBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from groups_support import Group


@pytest.fixture(scope="session")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Not the one that all tests share: ingest reads topics of fixed names."""
    broker = OwnBroker(tmp_path_factory.mktemp("broker"))
    yield broker.address
    broker.stop()


@pytest.fixture
def kafka_group(own_broker: str, tmp_path: Path) -> Iterator[Group]:
    recreate_topics(own_broker)
    with group(tmp_path, f"kafka://{own_broker}?partitions={PARTITIONS}") as opened:
        yield opened


@pytest.fixture
def sqlite_group(tmp_path: Path) -> Iterator[Group]:
    with group(tmp_path, f"sqlite:///{tmp_path}/bus.db") as opened:
        yield opened


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def any_group(request: pytest.FixtureRequest) -> Group:
    opened: Group = request.getfixturevalue(f"{request.param}_group")
    return opened
