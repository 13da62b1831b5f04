"""A few thousand damaged messages through both ways in; the long form is ``make fuzz``."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from fuzz.run import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_damaged_messages_crash_nothing_and_each_is_accounted_for(tmp_path: Path) -> None:
    seed = int(os.environ.get("DRIFTLINE_TEST_SEED", time.time_ns() % 10**9))
    print(f"seed {seed}: repeat with DRIFTLINE_TEST_SEED={seed}")
    account = run(tmp_path, seed=seed, messages=2000)
    assert account.wrong == [], f"seed {seed}"
    assert account.counts["messages"] == 2000
    assert account.counts["ingest: dead letters"] > 0
    assert account.counts["ingest: stored"] > account.counts["ingest: dead letters"]
