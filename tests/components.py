"""What to do when a test needs something that this machine does not have."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

REQUIRE_ALL = "DRIFTLINE_REQUIRE_ALL"


def missing(reason: str) -> NoReturn:
    """Skip the test, or fail it where nothing may be skipped, as in continuous integration.

    Args:
        reason: what is missing and how to get it.
    """
    if os.environ.get(REQUIRE_ALL) == "1":
        pytest.fail(f"{reason} ({REQUIRE_ALL}=1 allows no skip)", pytrace=False)
    pytest.skip(reason)
