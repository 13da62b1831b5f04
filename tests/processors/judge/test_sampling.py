"""What is queued is decided by the trace id alone, at exactly the rates that are set, and nested."""

from __future__ import annotations

import random
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from driftline_processors.judge.plan import Raise, Sampled, follow_traffic, put_plan, raise_rates
from processors_support import send_many, set_rate
from rollup_support import put_sums

if TYPE_CHECKING:
    from driftline_store.client import Client

SPAN = {"gen_ai.output.messages": "An answer.", "driftline.feature": "chat"}
QUEUED = "SELECT trace_id, evaluator, inclusion_probability, uniform_probability, tier FROM judge_queue"


def at(share: float) -> bytes:
    """A trace id that rates above ``1 - share`` choose, and others do not."""
    return secrets.token_bytes(9) + int(share * 2**56).to_bytes(7, "big")


def queued(client: Client) -> dict[tuple[str, str], tuple[float, float, str]]:
    return {(row[0], row[1]): tuple(row[2:]) for row in client.query(QUEUED).result_rows}


def test_the_56_low_bits_are_compared_with_a_threshold(client: Client) -> None:
    chance = random.Random(7)
    rates = [0.0, 1e-12, 0.01, 0.1, 0.5, 1.0, *(chance.random() for _ in range(10))]
    put_plan(client, [Sampled(str(number), rate=rate) for number, rate in enumerate(rates)])
    thresholds = [int((1 - rate) * 2**56) for rate in rates]
    bits = [min(max(threshold + offset, 0), 2**56 - 1) for threshold in thresholds for offset in range(-2, 3)]
    bits += [chance.getrandbits(56) for _ in range(200)]
    trace_ids = [secrets.token_bytes(9) + number.to_bytes(7, "big") for number in bits]
    send_many(client, trace_ids, SPAN)
    expected = {
        (trace_id.hex(), str(number)): rate
        for trace_id in trace_ids
        for number, rate in enumerate(rates)
        if int.from_bytes(trace_id[9:], "big") >= (1 - rate) * 2**56
    }
    assert {key: p for key, (p, _, _) in queued(client).items()} == expected


def test_a_lower_rate_chooses_among_those_of_a_higher_one(client: Client) -> None:
    trace_ids = [secrets.token_bytes(16) for _ in range(2_000)]
    put_plan(client, [Sampled("seldom", rate=0.02), Sampled("often", rate=0.2)])
    send_many(client, trace_ids, SPAN)
    chosen: dict[str, set[str]] = {"seldom": set(), "often": set()}
    for trace, evaluator in queued(client):
        chosen[evaluator].add(trace)
    assert chosen["seldom"] < chosen["often"]
    # Six standard deviations of a binomial share.
    assert abs(len(chosen["often"]) - 400) < 6 * (2_000 * 0.2 * 0.8) ** 0.5


def test_a_raised_rate_holds_for_its_segment_until_it_ends(client: Client) -> None:
    set_rate(client, 0.1)
    ends = datetime.now(UTC) + timedelta(hours=1)
    raise_rates(client, [Raise("quality", ("", "", "chat", "", "v2"), 0.5, ends, "new_version")])
    versions = {"v1": [at(0.95), at(0.7)], "v2": [at(0.95), at(0.7), at(0.3)]}
    for version, traces in versions.items():
        send_many(client, traces, {**SPAN, "gen_ai.prompt.name": "", "gen_ai.prompt.version": version})
    base, raised = versions["v2"][:2]
    assert queued(client) == {
        (versions["v1"][0].hex(), "quality"): (0.1, 0.1, "base"),
        (base.hex(), "quality"): (0.5, 0.5, "base"),
        (raised.hex(), "quality"): (0.5, 0.5, "raised"),
    }
    client.command("TRUNCATE TABLE judge_queue")
    raise_rates(client, [Raise("quality", ("", "", "chat", "", "v2"), 0.5, ends - timedelta(hours=2), "new_version")])
    send_many(client, [at(0.7)], {**SPAN, "gen_ai.prompt.version": "v2"})
    assert queued(client) == {}


def test_a_boost_chooses_errors_and_says_that_it_did(client: Client) -> None:
    set_rate(client, 0.1, error_rate=0.8)
    failed = {**SPAN, "gen_ai.response.finish_reasons": '["content_filter"]'}
    certain, boosted, other, fine = at(0.95), at(0.5), at(0.1), at(0.5)
    send_many(client, [certain, boosted, other], failed)
    send_many(client, [fine], SPAN)
    assert queued(client) == {
        (certain.hex(), "quality"): (0.8, 0.1, "base"),
        (boosted.hex(), "quality"): (0.8, 0.1, "boost"),
    }


def test_what_only_settling_knows_is_queued_once_when_it_settles(client: Client) -> None:
    units = (Sampled("quality", rate=1.0), Sampled("steps", unit="trace", rate=1.0), Sampled("talk", "session", 1.0))
    put_plan(client, units)
    columns = ["trace_id", "start", "is_first", "is_again", "was_counted"]
    web, counted, late, again = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)
    now = datetime.now(UTC)
    rows = [
        [web, now, True, False, False],
        [counted, now, True, False, True],
        [late, now, False, False, False],
        [again, now, True, True, False],
    ]
    client.insert("llm_traces", rows, column_names=columns)
    sessions = [["one", now, True, False], ["one", now, False, False], ["two", now, True, True]]
    client.insert("llm_sessions", sessions, column_names=["session_id", "start", "is_first", "is_again"])
    found = client.query("SELECT evaluator, unit, unit_id, trace_id FROM judge_queue ORDER BY ALL").result_rows
    assert found == [
        ("quality", "request", web, web),
        ("steps", "trace", web, web),
        ("steps", "trace", counted, counted),
        ("talk", "session", "one", ""),
    ]


APPLIES: dict[str, tuple[dict[str, Any], bool]] = {
    "its feature": ({"features": ("chat",)}, True),
    "one of its features": ({"features": ("search", "chat")}, True),
    "another feature": ({"features": ("search",)}, False),
    "another model": ({"models": ("gpt-4o",)}, False),
    "its operation": ({"operations": ("chat",)}, True),
    "another operation": ({"operations": ("text_completion",)}, False),
    "another unit": ({"unit": "trace"}, False),
}


def test_an_evaluator_judges_what_it_applies_to(client: Client) -> None:
    put_plan(client, [Sampled(name, rate=1.0, **plan) for name, (plan, _) in APPLIES.items()])
    send_many(client, [at(0.5)], {**SPAN, "gen_ai.response.model": "gpt-4o-mini"})
    assert {name for _, name in queued(client)} == {name for name, (_, is_queued) in APPLIES.items() if is_queued}


def test_the_plan_is_written_when_it_changes_and_who_is_no_part_of_it_ends(client: Client) -> None:
    plans = [[Sampled("a", rate=0.1)], [Sampled("a", rate=0.1)], [Sampled("a", rate=0.2), Sampled("b")], [Sampled("b")]]
    assert [put_plan(client, plan) for plan in plans] == [True, False, True, True]
    current = "SELECT evaluator, rate, active FROM judge_plan FINAL ORDER BY evaluator"
    assert client.query(current).result_rows == [("a", 0.2, False), ("b", 0.01, True)]


def sums(client: Client, version: str, requests: int, ago: timedelta) -> None:
    put_sums(
        client,
        [{"at": datetime.now(UTC) - ago, "feature": "chat", "prompt_version": version, "requests": requests}],
    )


def test_rates_follow_the_traffic(client: Client) -> None:
    evaluators = [Sampled("quality", min_per_hour=20, new_version_rate=0.3, new_version_hours=6)]
    sums(client, "v1", 100_000, timedelta(days=10))
    sums(client, "v1", 100_000, timedelta(minutes=10))  # 1 % of them is enough
    sums(client, "v2", 30, timedelta(minutes=10))
    sums(client, "v3", 100_000, timedelta(minutes=10))
    raised = follow_traffic(client, evaluators)
    # What gives 20 of 30 by powers of two, and what a new version gets.
    assert sorted((one.segment[-1], one.rate, one.reason) for one in raised) == [
        ("v2", 1.0, "few_judged"),
        ("v3", 0.3, "new_version"),
    ]
    assert follow_traffic(client, evaluators) == []
    assert client.query("SELECT count() FROM judge_rates FINAL").result_rows == [(2,)]
