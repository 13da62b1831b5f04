"""The metrics layer against the real engine, a brute-force count and numpy's quantiles."""

from __future__ import annotations

import math
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftline_store.histogram import bin_of
from driftline_store.instruments import ENOUGH
from driftline_store.metrics import DIMENSIONS, INSTRUMENT, METRICS, metric_named
from driftline_store.metrics_docs import render
from driftline_store.metrics_format import format_value
from driftline_store.metrics_interval import weighted_mean
from driftline_store.metrics_query import (
    current_instrument,
    current_instruments,
    query_metrics,
    query_steps,
    read_one,
    readings,
)
from driftline_store.metrics_sets import query_sets
from driftline_store.metrics_time import cover
from driftline_store.migrate import migrate
from driftline_store.monitored import MONITORED, Monitored
from driftline_store.statement import STATEMENT
from rollup_support import levels, put_sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_store.client import Client
    from driftline_store.grouping import Segment
    from store_fixtures import RunningStore

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
COUNTERS = (
    "requests", "request_errors", "fallbacks", "calls",
    "call_errors", "input_tokens", "output_tokens", "unpriced_calls", "thumbs_up", "thumbs_down", "reports",
    "judged", "judged_w", "judged_ws", "judged_w2", "judged_w2s", "judged_w2s2",
)  # fmt: skip


@pytest.fixture(scope="module")
def engine(embedded_store: RunningStore) -> Iterator[Client]:
    admin = embedded_store.client()
    admin.command("CREATE DATABASE metrics")
    admin.close()
    client = embedded_store.client("metrics")
    migrate(client)
    yield client
    client.close()


@pytest.fixture
def store(engine: Client) -> Client:
    for table in ("llm_rollups", "judged_rollups", "judge_plan"):
        engine.command(f"TRUNCATE TABLE {table}")
    return engine


def put(client: Client, **values: Any) -> None:
    """One row of llm_rollups: a part of its own, so that sums are over unmerged rows too."""
    at = values.pop("at", T0)
    sessions, users = (values.pop(name, []) for name in ("sessions", "users"))
    columns = {}
    for name, given_value in values.items():
        pairs = ", ".join(f"{k}, {v}" for k, v in given_value.items()) if isinstance(given_value, dict) else None
        columns[name] = repr(given_value) if pairs is None else f"map({pairs})"
    for name, ids in (("sessions", sessions), ("users", users)):
        columns[name] = f"(SELECT uniqCombinedState(13)(x) FROM (SELECT arrayJoin({list(ids)}::Array(String)) AS x))"
    for resolution, begin in levels(at).items():
        client.command(
            f"INSERT INTO llm_rollups (resolution, at, {', '.join(columns)}) "
            f"SELECT '{resolution}', toDateTime({int(begin.timestamp())}, 'UTC'), {', '.join(columns.values())}"
        )


@given(st.integers(0, 2**31), st.integers(1, 90 * 86400), st.sampled_from([None, 60, 420, 3600, 7200, 86400, 604800]))
def test_a_range_is_covered_by_whole_pieces_without_gap_or_overlap(first: int, length: int, step: int | None) -> None:
    widths = {"minute": 60, "hour": 3600, "day": 86400}
    pieces = cover(first, first + length, step)
    assert pieces[0][1] == first
    assert pieces[-1][2] == first + length
    assert all(one[2] == other[1] for one, other in pairwise(pieces))
    for resolution, begin, end in pieces:
        width = widths[resolution]
        if resolution != "minute":
            assert begin % width == end % width == 0
            assert step is None or step % width == 0
    rows = sum(-(-(end - begin) // widths[resolution]) for resolution, begin, end in pieces)
    if step is None:
        assert rows <= 90 + 2 * 24 + 2 * 60


def bins(seconds: list[float]) -> dict[int, int]:
    return dict(Counter(bin_of(value) for value in seconds))


def value(client: Client, name: str, **where: str) -> float | None:
    return read_one(client, name, since=T0, until=T0 + HOUR, where=where).value


def test_every_metric_has_a_value_where_there_is_data(store: Client) -> None:
    put(
        store,
        requests=100, request_errors=4, fallbacks=7,
        request_error_classes={
            "'timeout'": 1, "'rate_limit'": 2, "'content_policy'": 1, "'quota'": 3, "'authentication'": 4,
            "'context_length'": 5, "'invalid_output'": 6,
        },
        request_seconds=bins([1.0] * 100), calls=200, first_token_seconds=bins([0.2] * 50), input_tokens=9000,
        output_tokens=800, cost=2.5, unpriced_calls=20, thumbs_up=9, thumbs_down=1, reports=3,
        judged=2, judged_w=200.0, judged_ws=150.0, judged_w2=20000.0, judged_w2s=15000.0, judged_w2s2=12500.0,
        sessions=["a", "b", "c"], users=["u"], call_errors=6, estimated_calls=10, checked=50, check_failed=5,
        call_cost=bins([0.01] * 180), call_output_tokens=bins([40.0] * 150),
        settled_requests=100, request_cost=bins([0.02] * 90), settled_sessions=2, session_requests=5,
        session_cost=bins([0.5] * 2), abandoned_calls=5, retried=7, repaired=3, blocked=2, cache_lookups=40,
        cache_hits=10, routes=8, unsure_routes=2, confidence=6.0, successes=3, signals={
            "'edited'": 6, "'retried'": 5, "'copied'": 4, "'follow_up'": 3, "'task_success'": 4, "'escalated'": 1,
        },
    )  # fmt: skip
    expected = {
        "requests": (100, 100), "calls": (200, 200), "error_rate": (0.04, 100), "timeout_rate": (0.01, 100),
        "rate_limit_rate": (0.02, 100), "content_block_rate": (0.01, 100), "latency_p50": (1, 100),
        "latency_p95": (1, 100), "latency_p99": (1, 100), "time_to_first_token_p95": (0.2, 50),
        "cost_per_request": (0.025, 100), "cost_per_session": (2.5 / 3, 3), "spend": (2.5, 180),
        "unpriced_calls": (0.1, 200), "satisfaction": (0.9, 10), "report_rate": (0.03, 100),
        "fallback_rate": (0.07, 100), "quality": (0.75, 2), "judged_share": (0.02, 100),
        "input_tokens": (9000, 200),
        "output_tokens": (800, 200), "sessions": (3, 3), "users": (1, 1), "server_error_rate": (0, 100),
        "call_error_rate": (0.03, 200), "estimated_calls": (0.05, 200), "failed_check_rate": (0.1, 50),
        "cost_per_request_p50": (0.02, 90), "cost_per_request_p95": (0.02, 90),
        "cost_per_session_p50": (0.5, 2), "cost_per_session_p95": (0.5, 2), "requests_per_session": (2.5, 2),
        "other_segments": (0, 200), "quota_rate": (0.03, 100), "authentication_error_rate": (0.04, 100),
        "context_length_rate": (0.05, 100), "invalid_output_rate": (0.06, 100), "abandoned_rate": (0.025, 200),
        "retry_rate": (0.07, 100), "repair_rate": (0.03, 100), "guardrail_block_rate": (0.02, 100),
        "cache_hit_rate": (0.25, 40), "route_confidence": (0.75, 8), "unsure_route_rate": (0.25, 8),
        "cost_per_call_p95": (0.01, 180), "output_length_p50": (40, 150),
        "edit_rate": (0.06, 100), "user_retry_rate": (0.05, 100), "copy_rate": (0.04, 100),
        "follow_up_rate": (0.03, 100), "success_rate": (0.75, 4), "escalation_rate": (0.01, 100),
    }  # fmt: skip
    assert set(expected) == set(METRICS)
    frame = query_metrics(store, METRICS, since=T0, until=T0 + HOUR)
    assert len(frame) == 1
    for name, (wanted, n) in expected.items():
        assert frame[name][0] == pytest.approx(wanted, rel=0.02), name
        assert frame[f"{name}__n"][0] == n, name
        has_interval = METRICS[name].interval is not None
        assert math.isfinite(frame[f"{name}__low"][0]) == has_interval, name
        if has_interval:
            assert 0 <= frame[f"{name}__low"][0] <= frame[name][0] <= frame[f"{name}__high"][0] <= 1, name


@pytest.mark.parametrize("one", MONITORED.values(), ids=MONITORED.keys())
def test_what_is_watched_says_how_it_is_counted(one: Monitored) -> None:
    counts = {"flag": one.definition.counted, "log": one.histogram, "score": INSTRUMENT}
    assert counts[one.kind]
    assert counts[one.kind] in one.definition.value + one.definition.n
    assert one.definition.better is not None or one.both_ways


def test_of_a_metric_of_which_more_is_better_what_is_not_counted_is_harm(store: Client) -> None:
    put(store, requests=100, request_errors=4, thumbs_up=9, thumbs_down=2)
    satisfaction, errors = MONITORED["satisfaction"], MONITORED["error_rate"]
    query = f"SELECT {satisfaction.n}, {satisfaction.hits}, {errors.n}, {errors.hits} FROM llm_rollups AS m"
    assert store.query(f"{query} WHERE m.resolution = 'hour'").result_rows == [(11, 2, 100, 4)]


def test_nothing_is_no_data_and_never_zero(store: Client) -> None:
    frame = query_metrics(store, METRICS, since=T0, until=T0 + HOUR)
    assert len(frame) == 1
    for name in METRICS:
        assert frame[[name, f"{name}__low", f"{name}__high"]].isna().all(axis=None), name
        assert frame[f"{name}__n"][0] == 0, name
    assert query_metrics(store, METRICS, since=T0, until=T0 + HOUR, by=["feature"], step=HOUR).empty
    put(store, calls=3)  # rows, but no request, no rating, no judgement among them
    for name in ("error_rate", "latency_p95", "satisfaction", "quality", "cost_per_request"):
        assert value(store, name) is None, name


def test_costs_are_unknown_where_no_price_is(store: Client) -> None:
    put(store, requests=5, calls=5, unpriced_calls=5, sessions=["a"])
    assert [value(store, name) for name in ("spend", "cost_per_request", "cost_per_session")] == [None] * 3
    put(store, requests=5, calls=5, cost=0.5)
    assert value(store, "spend") == 0.5
    assert value(store, "cost_per_request") == pytest.approx(0.05)
    assert value(store, "unpriced_calls") == 0.5


@given(
    st.lists(st.floats(min_value=1e-5, max_value=1e5), min_size=1, max_size=200),
    st.integers(min_value=1, max_value=4),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_quantiles_lie_within_two_percent_of_the_exact_ones(store: Client, seconds: list[float], parts: int) -> None:
    store.command("TRUNCATE TABLE llm_rollups")
    for part in range(parts):  # keys of maps that are summed have to be in order whatever order they came in
        if some := seconds[part::parts]:
            put(store, requests=len(some), request_seconds=bins(some))
    frame = query_metrics(store, ["latency_p50", "latency_p95", "latency_p99"], since=T0, until=T0 + HOUR)
    for q in (0.50, 0.95, 0.99):
        exact = np.quantile(seconds, q, method="inverted_cdf")
        assert frame[f"latency_p{round(q * 100)}"][0] == pytest.approx(exact, rel=0.02)


ROW = st.fixed_dictionaries(
    {
        "feature": st.sampled_from(["chat", "search", ""]),
        "model": st.sampled_from(["small", "large"]),
        "at": st.integers(min_value=-3, max_value=130).map(lambda m: T0 + timedelta(minutes=m)),
        **{name: st.integers(min_value=0, max_value=9) for name in COUNTERS},
    }
)


@given(
    st.lists(ROW, min_size=1, max_size=8),
    st.sets(st.sampled_from(["feature", "model"])),
    st.sampled_from([None, timedelta(minutes=1), timedelta(minutes=7), HOUR]),
    st.sampled_from([{}, {"model": "small"}, {"feature": "", "model": "large"}]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_equal_a_brute_force_sum(
    store: Client, rows: list[dict[str, Any]], by: set[str], step: timedelta | None, where: dict[str, str]
) -> None:
    store.command("TRUNCATE TABLE llm_rollups")
    put_sums(store, rows)
    until = T0 + timedelta(hours=2)
    expected: dict[tuple[Any, ...], Counter[str]] = {} if by or step else {(): Counter()}
    for row in rows:
        if T0 <= row["at"] < until and all(row[name] == wanted for name, wanted in where.items()):
            key: tuple[Any, ...] = tuple(row[name] for name in sorted(by))
            if step:
                seconds = int(row["at"].timestamp())
                key += (datetime.fromtimestamp(seconds - seconds % int(step.total_seconds()), UTC),)
            expected.setdefault(key, Counter()).update({name: row[name] for name in COUNTERS})
    frame = query_metrics(store, METRICS, since=T0, until=until, by=sorted(by), where=where, step=step)
    keys = [*sorted(by), *(["bucket"] if step else [])]
    found = {tuple(row[key] for key in keys): row for _, row in frame.iterrows()}
    assert set(found) == set(expected)
    for at, sums in expected.items():
        assert found[at]["requests__n"] == sums["requests"]
        assert found[at]["satisfaction__n"] == sums["thumbs_up"] + sums["thumbs_down"]
        for name, above, below in (
            ("error_rate", "request_errors", "requests"),
            ("fallback_rate", "fallbacks", "requests"),
            ("report_rate", "reports", "requests"),
            ("judged_share", "judged", "requests"),
            ("unpriced_calls", "unpriced_calls", "calls"),
        ):
            wanted = sums[above] / sums[below] if sums[below] else math.nan
            assert found[at][name] == pytest.approx(wanted, nan_ok=True)


def judge(client: Client, weighted: list[tuple[float, float]]) -> None:
    powers = {"w": (1, 0), "ws": (1, 1), "w2": (2, 0), "w2s": (2, 1), "w2s2": (2, 2)}
    sums = {f"judged_{name}": float(sum(w**a * s**b for w, s in weighted)) for name, (a, b) in powers.items()}
    put(client, judged=len(weighted), **sums)


def test_quality_is_the_weighted_mean_with_its_linearised_variance(store: Client) -> None:
    random = np.random.default_rng(5)
    weighted = [(w, round(s, 1)) for w, s in zip(random.choice([1.0, 20.0], 200), random.beta(8, 2, 200), strict=True)]
    judge(store, weighted[:90])
    judge(store, weighted[90:])
    total = sum(w for w, _ in weighted)
    mean = sum(w * s for w, s in weighted) / total
    error = math.sqrt(sum(w**2 * (s - mean) ** 2 for w, s in weighted)) / total
    reading = read_one(store, "quality", since=T0, until=T0 + HOUR)
    assert reading.n == 200
    assert reading.value == pytest.approx(mean)
    effective = total**2 / sum(w**2 for w, _ in weighted)
    low, high = weighted_mean(*(np.array([x]) for x in (mean, error**2, effective)))
    assert [reading.low, reading.high] == pytest.approx([low[0], high[0]])


def of_instrument(client: Client, evaluator: str, score: float, judged: int, at: datetime = T0, **segment: str) -> None:
    put(client, at=at, evaluator=evaluator, judged=judged, judged_w=judged, judged_ws=judged * score,
        judged_w2=judged, judged_w2s=judged * score, judged_w2s2=judged * score**2, **segment)  # fmt: skip
    name = evaluator.split(maxsplit=1)[0]
    rows = [[level, begin, name, evaluator, judged, *segment.values()] for level, begin in levels(at).items()]
    columns = ["resolution", "at", "name", "evaluator", "judged", *segment]
    token = {"insert_deduplication_token": f"{evaluator} {at} {judged}"}
    client.insert("judged_rollups", rows, column_names=columns, settings=token)


def test_scores_of_two_instruments_are_never_averaged(store: Client) -> None:
    put(store, requests=1000)
    of_instrument(store, "quality 1", 0.9, 100)
    assert read_one(store, "quality", since=T0, until=T0 + HOUR).value == pytest.approx(0.9)
    of_instrument(store, "quality 2", 0.5, ENOUGH - 1, at=T0 + HOUR / 2)
    few = read_one(store, "quality", since=T0, until=T0 + HOUR)
    assert few.value == pytest.approx(0.9)
    assert few.n == 100
    of_instrument(store, "quality 2", 0.5, 1, at=T0 + HOUR / 2)
    frame = query_metrics(store, ["quality", "judged_share", "requests"], since=T0, until=T0 + HOUR)
    assert frame.quality[0] == pytest.approx(0.5)
    assert (frame.quality__n[0], frame.judged_share[0], frame.requests[0]) == (30, pytest.approx(0.03), 1000)
    old = query_metrics(store, ["quality"], since=T0, until=T0 + HOUR, instrument="quality 1")
    assert old.quality[0] == pytest.approx(0.9)
    assert current_instrument(store, since=T0, until=T0 + HOUR) == "quality 2"
    assert current_instrument(store, since=T0, until=T0 + HOUR / 4) == "quality 1"


def test_many_sets_of_dimensions_in_one_statement_are_as_each_by_itself(store: Client) -> None:
    random = np.random.default_rng(3)
    rows = [
        {name: str(random.choice(["", "a", "b"])) for name in DIMENSIONS}
        | {"at": T0 + timedelta(minutes=int(random.integers(90))), "evaluator": "quality 1", "judged": 4}
        | {"requests": 30, "request_errors": int(random.integers(9))}
        | {"request_seconds": bins(random.uniform(1, 9, 30).tolist())}
        | {"judged_w": 4.0, "judged_ws": 3.0, "judged_w2": 4.0, "judged_w2s": 3.0, "judged_w2s2": 2.5}
        for _ in range(40)
    ]  # fmt: skip
    put_sums(store, rows)
    names = ["requests", "error_rate", "latency_p95", "quality", "users"]
    span: Any = {"since": T0, "until": T0 + HOUR}
    judge: Any = {"instrument": "quality 1"}
    every = [one for size in range(len(DIMENSIONS) + 1) for one in combinations(DIMENSIONS, size)]
    answer = query_sets(store, names, sets=every, **judge, **span)
    for by in ((), ("service",), ("feature", "variant"), ("environment", "model", "prompt_version"), DIMENSIONS):
        frame = query_metrics(store, names, by=by, **judge, **span)
        segments = [tuple((name, row[name]) for name in by) for _, row in frame.iterrows()]
        for name in names:
            alone = dict(zip(segments, readings(frame, name, **span), strict=True))
            assert answer.readings(name, by) == alone


@pytest.mark.parametrize("by", [(), ("feature",)])
@pytest.mark.parametrize("rows", [0, 40])
def test_several_steps_in_one_statement_are_as_each_by_itself(store: Client, rows: int, by: tuple[str, ...]) -> None:
    random = np.random.default_rng(5)
    sums = [
        {"at": T0 + timedelta(minutes=int(random.integers(90))), "feature": str(random.choice(["a", "b"]))}
        | {"requests": 30, "request_errors": int(random.integers(9))}
        | {"request_seconds": bins(random.uniform(1, 9, 30).tolist())}
        for _ in range(rows)
    ]
    if sums:
        put_sums(store, sums)
    span: Any = {"since": T0, "until": T0 + HOUR, "by": by}
    half, quarter = HOUR / 2, HOUR / 4
    wanted = {quarter: ["error_rate"], None: ["requests", "latency_p95"], half: ["latency_p95"], HOUR / 3: ["requests"]}
    answers = query_steps(store, wanted, **span)
    assert list(answers) == list(wanted)
    for step, names in wanted.items():
        pd.testing.assert_frame_equal(answers[step], query_metrics(store, names, step=step, **span))


def test_who_judged_many_segments_is_known_from_one_statement(store: Client) -> None:
    of_instrument(store, "quality 1", 0.9, ENOUGH, feature="chat")
    of_instrument(store, "quality 2", 0.9, ENOUGH, at=T0 + HOUR / 4, feature="chat", model="a")
    of_instrument(store, "quality 3", 0.9, ENOUGH - 1, at=T0 + HOUR / 2, feature="search", model="a")
    wheres: list[Segment] = [
        (),
        (("feature", "chat"),),
        (("feature", "search"),),
        (("feature", "gone"),),
        (("model", "a"),),
        (("feature", "chat"), ("model", "")),
    ]
    found = current_instruments(store, wheres, since=T0, until=T0 + HOUR)
    assert found == {one: current_instrument(store, since=T0, until=T0 + HOUR, where=dict(one)) for one in wheres}
    assert set(found.values()) == {"quality 1", "quality 2", "quality 3", ""}


def test_of_several_evaluators_the_first_of_the_configuration_is_quality(store: Client) -> None:
    of_instrument(store, "tone 1", 0.2, 500, at=T0 + HOUR / 2)
    of_instrument(store, "quality 1", 0.9, 40)
    assert read_one(store, "quality", since=T0, until=T0 + HOUR).value == pytest.approx(0.2)
    store.insert("judge_plan", [["tone", 1, True], ["quality", 0, True]], column_names=["evaluator", "rank", "active"])
    assert read_one(store, "quality", since=T0, until=T0 + HOUR).value == pytest.approx(0.9)
    assert read_one(store, "quality", since=T0 + HOUR / 4, until=T0 + HOUR).value == pytest.approx(0.2)


@pytest.mark.parametrize(("scores", "low"), [([1.0], 0.2065), ([1.0] * 3, 0.4385), ([1.0] * 100, 0.9630)])
def test_few_or_equal_scores_do_not_claim_certainty(store: Client, scores: list[float], low: float) -> None:
    judge(store, [(10.0, score) for score in scores])
    reading = read_one(store, "quality", since=T0, until=T0 + HOUR)
    assert [reading.value, reading.high] == pytest.approx([1, 1])
    assert reading.low == pytest.approx(low, abs=1e-3)


def test_wilson_interval_of_a_textbook_case(store: Client) -> None:
    put(store, requests=20, request_errors=0)
    none = read_one(store, "error_rate", since=T0, until=T0 + HOUR)
    assert [none.value, none.low, none.high] == pytest.approx([0, 0, 0.1611], abs=1e-4)
    put(store, requests=243, request_errors=15)
    some = read_one(store, "error_rate", since=T0, until=T0 + HOUR)
    assert [some.low, some.high] == pytest.approx([0.0348, 0.0921], abs=1e-3)


def test_a_range_holds_the_minutes_that_begin_in_it(store: Client) -> None:
    for minute in range(4):
        put(store, at=T0 + timedelta(minutes=minute), requests=10**minute)
    half = timedelta(seconds=30)
    for since, until, requests in (
        (T0, T0 + timedelta(minutes=2), 11),
        (T0 + half, T0 + half + timedelta(minutes=2), 110),
        (T0 + timedelta(minutes=3), T0 + timedelta(minutes=3, microseconds=1), 1000),
    ):
        assert read_one(store, "requests", since=since, until=until).value == requests


HOSTILE = [
    "' OR 1 = 1 --",
    "\\' OR 1 = 1 --",
    "{since:UInt32}",
    "a\nb\tc\\N",
    "); DROP TABLE llm_rollups; --",
    "%s%(x)s",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_values_are_bound_not_spliced(store: Client, hostile: str) -> None:
    put(store, feature="chat", requests=1)
    assert value(store, "requests", feature=hostile) is None
    put_sums(store, [{"at": T0, "feature": hostile, "requests": 7}])
    assert value(store, "requests", feature=hostile) == 7
    frame = query_metrics(store, ["requests"], since=T0, until=T0 + HOUR, by=["feature"])
    assert set(frame["feature"]) == {"chat", hostile}


def test_names_are_checked_against_the_tables(store: Client) -> None:
    ask = {"since": T0, "until": T0 + HOUR}
    for names, extra, message in (
        (["qualty"], {}, "metric 'qualty' is unknown; did you mean 'quality'"),
        (["1) FROM llm_spans --"], {}, "is unknown; known are: requests,"),
        (["requests"], {"by": ["modell"]}, "dimension 'modell' is unknown; did you mean 'model'"),
        (["requests"], {"where": {"1=1 OR feature": "x"}}, "is unknown"),
        (["requests"], {"step": timedelta(seconds=90)}, "whole number of minutes"),
        (["requests"], {"step": timedelta(0)}, "whole number of minutes"),
        (["requests"], {"until": T0}, "must lie before"),
        (["requests"], {"until": datetime(2026, 3, 2)}, "has no time zone"),  # noqa: DTZ001
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            query_metrics(store, names, **{**ask, **extra})  # type: ignore[arg-type]


def test_readings_follow_the_rows(store: Client) -> None:
    for feature, requests in (("b", 2), ("a", 1)):
        put(store, feature=feature, requests=requests)
    frame = query_metrics(store, ["requests", "quality"], since=T0, until=T0 + HOUR, by=DIMENSIONS)
    assert [reading.value for reading in readings(frame, "requests", since=T0, until=T0 + HOUR)] == [1, 2]
    assert [reading.n for reading in readings(frame, "quality", since=T0, until=T0 + HOUR)] == [0, 0]


@pytest.mark.parametrize(
    ("name", "number", "text"),
    [
        ("latency_p95", 1.2371, "1.24 s"), ("latency_p95", 0.2, "0.200 s"),
        ("latency_p95", 1234.5, "1,234 s"),
        ("cost_per_request", 0.0031, "$0.0031"), ("spend", 1234.567, "$1,234.57"), ("spend", 0.0, "$0.00"),
        ("satisfaction", 0.913, "91.3 %"), ("error_rate", 0.0004, "0.04 %"), ("error_rate", 0.0, "0.0 %"),
        ("quality", 0.8734, "0.873"), ("requests", 12345.0, "12,345"),
        ("requests", None, "n/a"), ("spend", math.nan, "n/a"), ("latency_p99", math.inf, "n/a"),
    ],
)  # fmt: skip
def test_format(name: str, number: float | None, text: str) -> None:
    assert format_value(metric_named(name), number) == text


def test_the_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert page.read_text(encoding="utf-8") == render(), "run: python -m driftline_store.metrics_docs > docs/metrics.md"


def test_metrics_name_the_statement_that_they_are_the_answer_to(store: Client) -> None:
    said = query_metrics(store, ["requests"], since=T0, until=T0 + timedelta(hours=1), where={"feature": "it's"})
    assert "SET param_where_feature = 'it\\'s';" in said.attrs[STATEMENT]
    assert "FROM llm_rollups" in said.attrs[STATEMENT]
