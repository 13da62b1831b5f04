"""The endpoint that judges in these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import judge_support

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judge_support import Endpoint


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with judge_support.endpoint() as running:
        yield running
