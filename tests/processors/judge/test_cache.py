"""Identical answers are judged once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from driftline_processors.judge.cache import Cache, content_key
from driftline_processors.judge.task import Judgement, Task

TASK = Task("ab" * 16, "cd" * 8, datetime.now(UTC), ("",) * 7, 1.0, "s", "i", "o")
GOOD = Judgement(0.9, "pass", "Right.", Decimal("0.01"), fingerprint="f", tokens_in=10, tokens_out=5, calls=2)
REUSED = replace(GOOD, cost=Decimal(0), cached=True, tokens_in=0, tokens_out=0, calls=0)


@dataclass
class Judge:
    """Counts its judgements."""

    results: list[Judgement] = field(default_factory=lambda: [GOOD])
    times: int = 0

    async def __call__(self) -> Judgement:
        self.times += 1
        await asyncio.sleep(0)
        return self.results[min(self.times, len(self.results)) - 1]


async def test_the_second_costs_nothing() -> None:
    cache, judge = Cache(), Judge()
    assert await cache.get("a", judge) == GOOD
    assert await cache.get("a", judge) == REUSED
    assert (judge.times, cache.hits) == (1, 1)


async def test_those_that_come_at_once_are_judged_once() -> None:
    cache, judge = Cache(), Judge()
    found = await asyncio.gather(*(cache.get("a", judge) for _ in range(20)))
    assert judge.times == 1
    assert found.count(REUSED) == 19


async def test_a_failure_is_not_kept_and_the_next_one_tries() -> None:
    cache, judge = Cache(), Judge([Judgement(error="timeout"), GOOD])
    found = await asyncio.gather(*(cache.get("a", judge) for _ in range(5)))
    assert judge.times == 2
    assert [one.error for one in found] == ["timeout", "", "", "", ""]


async def test_a_cancelled_one_hands_over() -> None:
    cache, judge = Cache(), Judge()

    async def never() -> Judgement:
        await asyncio.Event().wait()
        raise AssertionError

    first = asyncio.create_task(cache.get("a", never))
    await asyncio.sleep(0)
    second = asyncio.create_task(cache.get("a", judge))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == GOOD


async def test_the_store_is_asked_before_a_call_is_paid() -> None:
    asked: list[str] = []

    def look_up(key: str) -> Judgement | None:
        asked.append(key)
        return GOOD if key == "known" else None

    cache, judge = Cache(look_up), Judge()
    assert await cache.get("known", judge) == REUSED
    assert await cache.get("known", judge) == REUSED
    assert await cache.get("new", judge) == GOOD
    assert (asked, judge.times) == (["known", "new"], 1)


async def test_a_store_that_is_away_costs_a_call_and_nothing_else() -> None:
    def away(_: str) -> Judgement | None:
        raise ConnectionError

    assert await Cache(away).get("a", Judge()) == GOOD


async def test_memory_is_bounded_and_keeps_what_was_used_last() -> None:
    cache, judge = Cache(most=2), Judge()
    for key in ("a", "b", "a", "c", "a", "b"):
        await cache.get(key, judge)
    assert judge.times == 4


texts = st.tuples(*[st.text(max_size=3)] * 4)


@examples(deadline=None, max_examples=50)
@given(texts, texts)
def test_different_texts_have_different_keys(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    first, second = (
        content_key("f", replace(TASK, system=a, input=b, steps=c, output=d)) for a, b, c, d in (one, other)
    )
    assert (first == second) == (one == other)


def test_the_key_is_about_the_texts_and_the_instrument_alone() -> None:
    elsewhere = replace(TASK, trace_id="ef" * 16, span_id="01" * 8, inclusion_probability=0.5, segment=("x",) * 7)
    assert content_key("f", elsewhere) == content_key("f", TASK)
    assert len({content_key("f", TASK), content_key("g", TASK), content_key("f", replace(TASK, unit="trace"))}) == 3
