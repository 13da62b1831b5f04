"""Three rounds of faults against a real Kafka of three nodes; the long form is ``make faults``."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from faults.catalogue import CATALOGUE
from faults.rounds import run

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 3


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_rounds_of_faults_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("DRIFTLINE_TEST_SEED", time.time_ns() % 10**9))
    print(f"seed {seed}: repeat with DRIFTLINE_TEST_SEED={seed}")
    first = seed % len(CATALOGUE)  # each number has a fault of its own, and in time each has its turn
    report = run(tmp_path, seed=seed, numbers=range(first, first + ROUNDS), extra=1)
    assert report.wrong == [], f"seed {seed}"
    assert report.rounds == ROUNDS
    assert report.spans > 0
