"""Nothing that an application records is lost or doubled while its bus dies again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.run import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_bus_that_dies_again_and_again_costs_no_call_and_doubles_none(tmp_path: Path) -> None:
    outcome = run(tmp_path, calls=3_000, restarts=2, seed=1)
    assert (outcome.lost, outcome.doubled) == (0, 0), outcome.said
