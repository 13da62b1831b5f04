"""How busy one process of the judge keeps its endpoint, what a judgement costs in CPU time, and whether memory grows.

    python benchmarks/judge.py [--quick] [--json]

The endpoint (support/endpoint.py) is a process of its own on loopback: median latency 800 ms with a heavy tail, 5 %
server errors, 1 % turned away with Retry-After. 64 judgements are under way at any time. The ideal is what the
endpoint's own latencies and the waits that it asked for allow: 64 judgements that never wait for anything else. For
memory, the endpoint is fifty times as fast, and there are more judgements than the cache of identical answers holds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import itertools
import json
import logging
import random
import sys
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import psutil

from driftline_processors.judge.build import evaluator
from driftline_processors.judge.config import JudgeConfig
from driftline_processors.judge.task import Task
from driftline_processors.prices import GenaiPriceBook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from driftline_processors.judge.evaluator import Evaluator

UNDER_WAY = 64
WARM_UP_SECONDS = 6.0
FAST = 50.0
WORDS = ["".join(random.Random(n).choices("abcdefghijklmnopqrstuvwyz", k=2 + n % 9)) for n in range(4000)]
CHARS = 4_000
"""Of a task's texts, roughly."""


@dataclass
class Run:
    """A judge and its endpoint."""

    url: str
    judge: Evaluator
    done: int = 0
    scored: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def stats(self) -> dict[str, Any]:
        """What the endpoint has counted."""
        with urllib.request.urlopen(self.url, timeout=10) as answer:  # noqa: S310 - ours, on loopback
            found: dict[str, Any] = json.load(answer)
        return found

    async def keep_judging(self, stopped: Callable[[], bool]) -> None:
        """Keep ``UNDER_WAY`` judgements under way."""
        await asyncio.gather(*(self._one_after_another(stopped) for _ in range(UNDER_WAY)))

    async def _one_after_another(self, stopped: Callable[[], bool]) -> None:
        while not stopped():
            judgement = await self.judge.judge(task(next(self.numbers)))
            self.done += 1
            self.scored += judgement.score is not None


def task(number: int) -> Task:
    """A request like no other."""
    chance = random.Random(number)
    system, asked, answered = (" ".join(chance.choices(WORDS, k=CHARS // 21)) for _ in range(3))
    return Task(f"{number:032x}", f"{number:016x}", datetime.now(UTC), ("",) * 7, 0.01, system, asked, answered)


@contextlib.asynccontextmanager
async def running(speed: float) -> AsyncIterator[Run]:
    """An endpoint of a speed, and a judge that has it."""
    command = [sys.executable, str(Path(__file__).parent / "support/endpoint.py"), str(speed)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        port = await process.stdout.readline() if process.stdout else b""
        url = f"http://127.0.0.1:{int(port)}"
        config = JudgeConfig(name="quality", kind="judge", base_url=f"{url}/v1", concurrency=UNDER_WAY)
        async with openai.AsyncOpenAI(api_key="none", base_url=config.base_url, max_retries=0) as client:
            yield Run(url, evaluator(config, client, GenaiPriceBook()))
    finally:
        process.terminate()
        await process.wait()


async def saturation(seconds: float) -> dict[str, Any]:
    """How much of the ideal rate is reached."""
    async with running(1.0) as run:
        measured = asyncio.Event()
        judging = asyncio.create_task(run.keep_judging(measured.is_set))
        await asyncio.sleep(WARM_UP_SECONDS)
        process = psutil.Process()
        before, done, cpu = await asyncio.to_thread(run.stats), run.done, sum(process.cpu_times()[:2])
        await asyncio.sleep(seconds)
        after, done, cpu = await asyncio.to_thread(run.stats), run.done - done, sum(process.cpu_times()[:2]) - cpu
        measured.set()
        await judging
        took, busy = after["at"] - before["at"], after["busy"] - before["busy"]
        return {
            "seconds": took,
            "judgements_a_second": done / took,
            "share_of_ideal": busy / (UNDER_WAY * took),
            "most_calls_at_once": after["most"],
            "calls_a_judgement": (after["calls"] - before["calls"]) / max(done, 1),
            "without_a_score": (run.done - run.scored) / run.done,
            "cpu_ms_a_judgement": cpu / max(done, 1) * 1000,
        }


async def memory(judgements: int) -> dict[str, Any]:
    """Resident memory after the cache has been filled, and after all."""
    async with running(FAST) as run:
        full = run.judge.cache.most + 1000
        stages = (("full_cache", full), ("half_way", full + judgements // 2), ("end", full + judgements))
        found: dict[str, Any] = {}
        for name, reached in stages:
            await run.keep_judging(lambda reached=reached: run.done >= reached)  # type: ignore[misc]
            found[f"mb_{name}"] = resident()
        return {"judgements": run.done, **found}


def resident() -> float:
    """Of this process, in MB."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable()
    found = {
        "saturation": asyncio.run(saturation(15.0 if options.quick else 120.0)),
        "memory": asyncio.run(memory(1_000 if options.quick else 20_000)),
    }
    if options.json:
        print(json.dumps(found))
        return
    busy, held = found["saturation"], found["memory"]
    print(f"{busy['judgements_a_second']:.1f} judgements a second: {busy['share_of_ideal']:.1%} of the ideal rate")
    print(f"  with at most {busy['most_calls_at_once']} calls at once, {busy['calls_a_judgement']:.3f} a judgement")
    print(f"  {busy['without_a_score']:.2%} without a score; {busy['cpu_ms_a_judgement']:.1f} ms of CPU a judgement")
    sizes = ", ".join(f"{held[name]:.0f}" for name in ("mb_full_cache", "mb_half_way", "mb_end"))
    print(f"{held['judgements']:,} judgements; MB resident with the cache full, half-way and at the end: {sizes}")


if __name__ == "__main__":
    main()
