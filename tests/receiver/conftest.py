from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftline import settings as table
from receiver_support import Sender, Serving, free_port, receiving, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return table.load({}, data_dir=str(tmp_path), receiver_port=free_port())


@pytest.fixture
def sender(settings: Settings) -> Iterator[Sender]:
    """Posts to a receiver on a real SQLite bus."""
    with receiving(settings) as running:
        yield running


@pytest.fixture
def served() -> Iterator[Serving]:
    """A receiver over a bus in memory."""
    with serving() as running:
        yield running
