"""A provider on a local server, and what streams add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from provider_server import Provider, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """Shared, since each test says first what it answers."""
    with serving() as running:
        yield running
