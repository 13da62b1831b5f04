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

if TYPE_CHECKING:
    from collections.abc import Iterator


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
