"""A round of faults between outbox and channels; the long form is ``make faults``."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from faults.delivery import FAULTS, Told, compare, run

if TYPE_CHECKING:
    from pathlib import Path

FIRST = Told("i", "a", is_over=False, is_marked=False)
LAST = Told("i", "b", is_over=True, is_marked=False)
STEPS = {"a": 0, "b": 1}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_worker_that_is_killed_between_send_and_record_loses_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("DRIFTLINE_TEST_SEED", time.time_ns() % 10**9))
    print(f"seed {seed}: repeat with DRIFTLINE_TEST_SEED={seed}")
    report = run(tmp_path, seed=seed, numbers=[list(FAULTS).index("killed between send and record")])
    assert report.wrong == [], f"seed {seed}"
    assert report.messages > 0


@pytest.mark.parametrize(
    ("told", "due", "said"),
    [
        ([FIRST, LAST], 2, ""),
        ([FIRST, FIRST, LAST], 2, ""),
        ([FIRST, FIRST, FIRST, LAST], 2, "2 repeats, but only 1"),
        ([FIRST], 2, "2 messages delivered, but 1 were got"),
        ([FIRST, FIRST], 2, "2 messages delivered"),
        ([LAST, FIRST], 2, "another order"),
        ([FIRST, LAST, FIRST], 2, "after the end"),
    ],
)
def test_what_is_lost_repeated_or_out_of_order_is_seen(told: list[Told], due: int, said: str) -> None:
    _, wrong = compare(told, {"i": due}, STEPS, unknown=1)
    assert bool(wrong) is bool(said)
    assert any(said in words for words in wrong) or not said
