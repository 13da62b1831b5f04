"""Services that are played, and no proxy between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from channel_support import Services, services

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def running_services() -> Iterator[Services]:
    with services() as state:
        yield state


@pytest.fixture
def world(running_services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """The services, with nothing in them yet."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    for kept in ("received", "faults", "only", "posts", "files", "reactions"):
        getattr(running_services, kept).clear()
    return running_services
