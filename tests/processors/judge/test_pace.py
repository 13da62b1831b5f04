"""Limits a minute, by a clock of the test's own."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from driftline_processors.judge.pace import Bucket, Pace, estimated


def admitted(bucket: Bucket, amounts: list[float]) -> list[float]:
    """When each of those who all come at once may go on, in seconds."""
    return [bucket.take(amount, 0.0) for amount in amounts]


@examples(deadline=None, max_examples=50)
@given(st.integers(min_value=1, max_value=5000))
def test_no_minute_has_more_than_its_number_of_requests(rpm: int) -> None:
    times = admitted(Bucket(rpm, 0.0), [1.0] * (2 * rpm))
    assert all(later - sooner >= 60 - 1e-6 for sooner, later in zip(times, times[rpm:], strict=False))


def test_nearly_the_whole_limit_is_used() -> None:
    times = admitted(Bucket(600, 0.0), [1.0] * 6000)
    assert 5900 / (max(times) / 60) > 0.95 * 600


def test_all_are_served_in_order() -> None:
    times = admitted(Bucket(6000, 0.0), [50.0, 4000.0, 1.0, 300.0])
    assert times == sorted(times)


def test_one_who_needs_more_than_it_holds_is_served_and_leaves_a_debt() -> None:
    bucket = Bucket(6000, 0.0)
    assert bucket.take(3000, 0.0) == 0
    assert bucket.take(1, 0.0) == pytest.approx((3000 - 98.4 + 1) / (6000 / 61), rel=0.01)


def test_a_guess_is_corrected_both_ways() -> None:
    bucket = Bucket(6100, 0.0)
    assert bucket.take(100, 0.0) == 0
    bucket.correct(100)
    assert bucket.take(50, 0.0) == pytest.approx(1.5)
    bucket.correct(-200)
    assert bucket.take(50, 0.0) == 0


async def test_a_call_waits_for_the_slower_of_both_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = AsyncMock()
    monkeypatch.setattr(asyncio, "sleep", slept)
    pace = Pace(rpm=60, tpm=61_000, clock=lambda: 0.0)
    await pace.admit(1000)
    slept.assert_not_awaited()
    await pace.admit(5000)
    (seconds,) = slept.await_args_list[0].args
    assert seconds == pytest.approx(61 / 60)
    pace.correct(5000, 9000)
    await pace.admit(1000)
    assert slept.await_args_list[1].args[0] == pytest.approx(10.0)


async def test_without_limits_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    slept = AsyncMock()
    monkeypatch.setattr(asyncio, "sleep", slept)
    for _ in range(1000):
        await Pace(None, None).admit(10**9)
    slept.assert_not_awaited()


def test_tokens_are_guessed_by_bytes() -> None:
    assert estimated([{"role": "user", "content": "a" * 4000}]) == 1150
    assert estimated([{"role": "user", "content": "語" * 400}]) == 450
