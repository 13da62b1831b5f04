"""``benchmarks/judge.py`` judges for real, against an endpoint that fails as often as it says."""

from __future__ import annotations

import asyncio

from judge import UNDER_WAY, running


async def test_what_it_counts_is_what_was_judged() -> None:
    async with running(speed=500.0) as run:
        await run.keep_judging(lambda: run.done >= 150)
        stats = await asyncio.to_thread(run.stats)
    assert run.scored == run.done == stats["verdicts"]
    assert stats["calls"] > stats["verdicts"], "no call failed"
    assert 2 <= stats["most"] <= UNDER_WAY
    assert stats["busy"] > 0
