"""Labels: experiments, tags, and what goes along to other services."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import propagate

import driftline
from driftline import assign, experiment, observe, session, tags

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector_support import Recording


def step(name: str) -> None:
    observe(name=name)(lambda: None)()


def test_the_same_unit_gets_the_same_variant_everywhere() -> None:
    # Fixed values: a change would share out all running experiments anew.
    assert [assign("prompt", f"user-{number}", ("a", "b")) for number in range(8)] == list("abaaabbb")


def test_shares_are_kept() -> None:
    counted = Counter(assign("prompt", number, {"control": 9, "new": 1}) for number in range(20_000))
    assert counted["new"] == pytest.approx(2000, abs=170)  # four standard deviations


def test_experiments_share_their_units_out_independently() -> None:
    both = Counter((assign("one", number, "ab"), assign("two", number, "ab")) for number in range(8000))
    assert all(count == pytest.approx(2000, abs=160) for count in both.values())
    assert len(both) == 4


@given(st.integers(), st.floats(0.01, 0.5), st.floats(0.01, 0.5))
def test_a_variant_that_grows_keeps_the_units_that_it_had(unit: int, before: float, more: float) -> None:
    if assign("rollout", unit, {"on": before, "off": 1 - before}) == "on":
        after = before + more
        assert assign("rollout", unit, {"on": after, "off": 1 - after}) == "on"


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        ((), ""),
        ({"a": 0, "b": 0}, "a"),
        ({"a": float("nan"), "b": 1}, "b"),
        ({"a": -1, "b": 1}, "b"),
        ({"a": "x"}, "a"),
    ],
)
def test_nonsense_shares_are_no_shares(variants: Any, expected: str) -> None:
    assert assign("prompt", "user", variants) == expected


async def test_everything_within_an_experiment_is_marked(recording: Recording) -> None:
    with experiment("prompt", variant="short") as variant:
        assert variant == "short"
        step("inside")
        async with experiment("nested", "user", ["only"]):
            step("innermost")
    step("outside")
    assert recording.span("inside").attributes["driftline.experiment.variant"] == "short"
    assert recording.span("innermost").attributes["driftline.experiment.name"] == "nested"
    assert "driftline.experiment.name" not in recording.span("outside").attributes


def test_tags_add_up(recording: Recording) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    with tags(plan="pro", seats=3, nothing=None, broken=Broken()), tags(plan="team"):
        step("inside")
    found = {k: v for k, v in recording.span("inside").attributes.items() if k.startswith("driftline.tag.")}
    assert found == {"driftline.tag.plan": "team", "driftline.tag.seats": "3"}


def test_labels_go_to_other_services_when_asked_to(record: Callable[..., Recording]) -> None:
    recording = record(propagate_labels=True)
    sent: dict[str, str] = {}

    @observe(feature="support", prompt_name="answer", prompt_version="v3")
    def front() -> None:
        propagate.inject(sent)

    with session("s-1", user="u-1"), tags(plan="pro"), experiment("e", variant="x"):
        front()

    context = propagate.extract(sent)
    from opentelemetry import context as otel  # noqa: PLC0415

    token = otel.attach(context)
    step("behind")
    recording.provider.get_tracer("app").start_span("chat", attributes={"gen_ai.operation.name": "chat"}).end()
    otel.detach(token)
    for name in ("behind", "chat"):
        found = recording.span(name)
        assert found.trace_id == recording.span(front.__qualname__.rsplit("<locals>.", 1)[-1]).trace_id
        assert found.attributes["driftline.feature"] == "support"
        assert found.attributes["gen_ai.conversation.id"] == "s-1"
        assert found.attributes["user.id"] == "u-1"
        assert found.attributes["driftline.tag.plan"] == "pro"
        assert found.attributes["driftline.experiment.variant"] == "x"


def test_labels_stay_here_by_default(recording: Recording) -> None:
    sent: dict[str, str] = {}
    with session("s-1", user="u-1"):
        observe(lambda: propagate.inject(sent))()
    assert "baggage" not in sent
    assert not driftline.stats().dropped
    recording.spans()
