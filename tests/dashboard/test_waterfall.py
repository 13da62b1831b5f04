"""The steps of a trace as bars: what is within what, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from driftline_dashboard.traces.trace_data import Step
from driftline_dashboard.traces.waterfall import bars

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def step(span: str, parent: str = "", at: float = 0.0, seconds: float = 1.0) -> Step:
    known = dict.fromkeys(Step.__dataclass_fields__, "") | {
        "span_id": span,
        "parent_span_id": parent,
        "start": BEGIN + timedelta(seconds=at),
        "duration": seconds,
    }
    return Step(**known)  # type: ignore[arg-type]


def nested(*steps: Step) -> list[tuple[str, int]]:
    return [(bar.step.span_id, bar.depth) for bar in bars(steps)]


def test_a_step_stands_below_the_one_that_it_is_within() -> None:
    found = nested(step("a", seconds=9), step("b", "a", 1), step("d", "a", 3), step("c", "b", 4))
    assert found == [("a", 0), ("b", 1), ("c", 2), ("d", 1)]


def test_a_step_whose_parent_is_not_there_is_shown() -> None:
    assert nested(step("a"), step("b", "gone", 1)) == [("a", 0), ("b", 0)]


def test_parents_in_a_circle_lose_nothing_and_end() -> None:
    assert sorted(nested(step("a", "b"), step("b", "a"), step("c", "c"))) == [("a", 0), ("b", 1), ("c", 0)]


def test_a_chain_of_many_steps_is_no_matter_of_recursion() -> None:
    chain = [step("0"), *(step(str(number), str(number - 1)) for number in range(1, 5000))]
    assert nested(*chain)[-1] == ("4999", 4999)


def test_bars_lie_where_the_time_is() -> None:
    whole, part = bars([step("a", seconds=4.0), step("b", "a", 1.0, 2.0)])
    assert (whole.left, whole.width) == (0.0, 100.0)
    assert (part.left, part.width, part.offset) == (25.0, 50.0, 1.0)


def test_a_step_that_takes_no_time_is_seen_also_at_the_end() -> None:
    for bar in bars([step("a", seconds=4.0), step("b", "a", 4.0, 0.0)]):
        assert bar.width > 0
        assert bar.left + bar.width <= 100


def test_a_single_step_without_any_time_has_a_bar() -> None:
    (bar,) = bars([step("a", seconds=0.0)])
    assert bar.width > 0


def test_no_step_has_no_bar() -> None:
    assert bars([]) == []
