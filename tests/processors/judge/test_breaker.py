"""The fuse: when it opens, and how it closes again."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pytest

from driftline_processors.judge.breaker import THRESHOLDS, Breaker
from driftline_processors.judge.failure import JudgeFailure

AUTH = JudgeFailure("authentication", "HTTP status 401")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker("quality", clock)
    for _ in range(THRESHOLDS["authentication"]):
        assert breaker.allows()
        breaker.failed(AUTH)
    return breaker


@pytest.mark.parametrize(("kind", "times"), THRESHOLDS.items())
def test_it_opens_after_repeated_failures(kind: str, times: int) -> None:
    breaker = Breaker("quality", Clock())
    for _ in range(times):
        assert breaker.state == "closed"
        breaker.failed(JudgeFailure(kind))
    assert breaker.state == "open"
    assert not breaker.allows()


def test_a_verdict_in_between_begins_the_count_anew() -> None:
    breaker = Breaker("quality", Clock())
    for _ in range(100):
        breaker.failed(AUTH)
        breaker.succeeded()
    assert breaker.state == "closed"


@pytest.mark.parametrize("kind", ["rate_limit", "context_length", "content_policy", "other"])
def test_what_says_nothing_about_the_endpoint_does_not_open_it(kind: str) -> None:
    breaker = Breaker("quality", Clock())
    for _ in range(1000):
        breaker.failed(JudgeFailure(kind))
    assert breaker.allows()


def test_half_open_lets_one_call_through_which_closes_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += breaker.seconds_left
    assert [breaker.state, *(breaker.allows() for _ in range(3))] == ["half-open", True, False, False]
    breaker.succeeded()
    assert [breaker.state, breaker.allows(), breaker.trouble] == ["closed", True, ""]


def test_a_trial_that_fails_opens_it_for_longer_up_to_a_bound() -> None:
    clock = Clock()
    breaker = opened(clock)
    pauses = []
    for _ in range(8):
        pauses.append(breaker.seconds_left)
        clock.now += breaker.seconds_left
        assert breaker.allows()
        breaker.failed(AUTH)
    assert pauses == [30, 60, 120, 240, 480, 600, 600, 600]


def test_calls_that_were_under_way_when_it_opened_do_not_make_its_pause_longer() -> None:
    clock = Clock()
    breaker = opened(clock)
    for _ in range(60):
        breaker.failed(AUTH)
    assert breaker.seconds_left == 30


def test_a_report_says_why_it_pauses_and_what_to_do() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 10
    assert breaker.trouble == (
        "evaluator 'quality' is paused for 20 s more: authentication (HTTP status 401); "
        "correct its key or the address of its endpoint"
    )
    clock.now += 20
    assert breaker.trouble.startswith("evaluator 'quality' is tried again: authentication")


def test_a_trial_that_shows_nothing_makes_room_for_another() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += breaker.seconds_left
    assert breaker.allows()
    breaker.failed(JudgeFailure("rate_limit"))
    assert breaker.allows()
    breaker.gave_up()
    assert breaker.allows()


def test_the_log_says_why_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with caplog.at_level(logging.INFO):
        breaker = opened(clock)
        clock.now += breaker.seconds_left
        breaker.allows()
        breaker.succeeded()
    paused, tried, again = (record.getMessage() for record in caplog.records)
    assert "'quality' pauses for 30 seconds" in paused
    assert "authentication (HTTP status 401); correct its key" in paused
    assert "is tried again" in tried
    assert "judges again" in again
    assert breaker.reason == "authentication (HTTP status 401)"
