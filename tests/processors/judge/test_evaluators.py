"""What a configuration makes of sampling and judges."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from driftline.errors import SettingsError
from driftline.settings import load
from driftline_processors.judge.evaluators import judges, sampled
from driftline_processors.judge.plan import Sampled

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
budget: {per_day: 20}
evaluators:
  - name: tone
    kind: judge
    unit: session
    rate: 2%
    raised: {min_per_hour: 30, new_version: {rate: 20%, for: 36h}}
    boosts: {error: 10%, negative_feedback: 50%}
    budget: {per_day: 5, per_month: 60}
    applies: {features: chat, operations: [chat]}
    concurrency: 7
  - {name: brief, kind: check, length: {max: 2000}}
  - {name: keyless, kind: judge, api_key_env: NOBODY_SETS_THIS}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "evaluators.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_all_that_the_file_says_of_sampling_reaches_it(file: Path) -> None:
    found = sampled(load({}, evaluators_file=str(file), judge_api_key="key"))
    assert found == (
        Sampled(
            "tone",
            "session",
            0.02,
            min_per_hour=30,
            new_version_rate=0.2,
            new_version_hours=36.0,
            error_rate=0.1,
            feedback_rate=0.5,
            per_day=Decimal(5),
            per_month=Decimal(60),
            features=("chat",),
            operations=("chat",),
            concurrency=7,
        ),
    )


async def test_judges_have_the_concurrency_of_the_file_and_those_without_a_key_are_left_out(file: Path) -> None:
    settings = load({}, evaluators_file=str(file), judge_api_key="key")
    async with judges(settings, lambda _: None) as by_name:
        assert {name: judge.concurrency for name, judge in by_name.items()} == {"tone": 7}


def test_without_a_key_nothing_is_sampled() -> None:
    assert sampled(load({})) == ()


def test_a_budget_for_a_model_without_a_price_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evaluators.yaml"
    path.write_text("evaluators: [{name: t, kind: judge, model: my-own, budget: {per_day: 1}}]", encoding="utf-8")
    with pytest.raises(SettingsError, match="the price of its model 'my-own' is not known"):
        sampled(load({}, evaluators_file=str(path), judge_api_key="key"))
