"""Fixtures that several folders of tests share."""

from __future__ import annotations

import os
import socket
import uuid
import warnings
from typing import TYPE_CHECKING

import hypothesis
import pytest

import kafka_server
from store_fixtures import embedded_store, store_client

if TYPE_CHECKING:
    from collections.abc import Iterator

# Once for all folders: a folder that imported the store for itself would start one of its own.
__all__ = ["embedded_store", "store_client"]


# A test fails by what it holds, not by how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


class _Quiet(socket.socket):
    """One that whoever forgot it need not close."""

    def __del__(self) -> None:
        self.close()


def pytest_configure() -> None:
    """Tell kafka-python's sockets from any that we would leak, which fail the test that runs when they are found.

    A client that is closed while it connects leaves the socket to the garbage collector (kafka-python 3.0).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from kafka.net.inet import KafkaNetSocket  # noqa: PLC0415 - it warns about itself when it is imported
    KafkaNetSocket.socket = lambda _, family, kind, protocol: _Quiet(family, kind, protocol)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take long, the longest time-out first, so that none of them ends the run alone.

    With ``--dist worksteal`` a worker that has no work left takes over from the end of another one's list.
    """
    items.sort(key=_patience, reverse=True)


def _patience(item: pytest.Item) -> float:
    if not any(item.get_closest_marker(name) for name in ("slow", "browser")):
        return 0.0
    limit = item.get_closest_marker("timeout")
    return 1.0 if limit is None else float(limit.args[0])


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
