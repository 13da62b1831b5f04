"""How much is done in a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Attributes:
        rounds: in which the libraries take turns.
        blocks: loops over the pool in a round, between which all is sent.
        block_seconds: a loop is shorter than the pool where calls are so slow that it would take longer.
        paced: calls at 100 a second in a round; fewer where they take longer than that.
        burst: calls in one loop.
        burst_seconds: after which that loop ends early.
        bursts: how often; once where it takes more than an eighth of ``burst_seconds``.
    """

    rounds: int
    blocks: int
    block_seconds: float
    paced: int
    burst: int
    burst_seconds: float
    bursts: int


FULL = Plan(rounds=5, blocks=3, block_seconds=1.0, paced=200, burst=50_000, burst_seconds=60.0, bursts=3)
QUICK = Plan(rounds=2, blocks=2, block_seconds=0.5, paced=50, burst=5_000, burst_seconds=10.0, bursts=1)
