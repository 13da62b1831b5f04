"""Which requests are queued is decided by the trace id alone, at exactly the rate that is set."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftline_processors.judge.rate import set_rate
from processors_support import send_many

if TYPE_CHECKING:
    from driftline_store.client import Client

RATES = st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]) | st.floats(0, 1)
RANDOM_BITS = st.integers(0, 2**56 - 1)
PER_EXAMPLE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SPAN = {"gen_ai.output.messages": "An answer.", "driftline.feature": "chat"}


@given(rate=RATES, randoms=st.lists(RANDOM_BITS, max_size=20), offsets=st.lists(st.integers(-2, 2), max_size=5))
@PER_EXAMPLE
def test_the_56_low_bits_are_compared_with_a_threshold(
    client: Client, rate: float, randoms: list[int], offsets: list[int]
) -> None:
    client.command("TRUNCATE TABLE judge_queue")
    set_rate(client, rate)
    threshold = int((1 - rate) * 2**56)
    near = [min(max(threshold + offset, 0), 2**56 - 1) for offset in offsets]
    trace_ids = [secrets.token_bytes(9) + bits.to_bytes(7, "big") for bits in (*randoms, *near)]
    send_many(client, trace_ids, SPAN)
    expected = {
        trace_id.hex()
        for trace_id in trace_ids
        if rate > 0 and int.from_bytes(trace_id[9:], "big") >= (1 - rate) * 2**56
    }
    rows = client.query("SELECT trace_id, inclusion_probability FROM judge_queue").result_rows
    assert {trace for trace, _ in rows} == expected
    assert len(rows) == len(expected)
    assert {p for _, p in rows} <= {rate}


def test_a_lower_rate_chooses_among_those_of_a_higher_one(client: Client) -> None:
    trace_ids = [secrets.token_bytes(16) for _ in range(2_000)]
    chosen = []
    for rate in (0.02, 0.2):
        client.command("TRUNCATE TABLE judge_queue")
        set_rate(client, rate)
        send_many(client, trace_ids, SPAN)
        chosen.append({trace for (trace,) in client.query("SELECT trace_id FROM judge_queue").result_rows})
    assert chosen[0] < chosen[1]
    # Six standard deviations of a binomial share.
    assert abs(len(chosen[1]) - 400) < 6 * (2_000 * 0.2 * 0.8) ** 0.5


def test_the_rate_is_written_when_it_changes(client: Client) -> None:
    assert [set_rate(client, rate) for rate in (0.1, 0.1, 0.2)] == [True, False, True]
    assert client.query("SELECT rate FROM judge_rates FINAL").result_rows == [(0.2,)]
