"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest

import kafka_server

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def kafka_url() -> Iterator[str]:
    """URL of a real Kafka, one for all workers of the run; use topics and groups of your own."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with kafka_server.shared_broker(run) as address:
        yield f"kafka://{address}"


@pytest.fixture
def fresh_topic() -> str:
    """The name of a topic that no other test has used."""
    return f"topic-{uuid.uuid4().hex[:12]}"
