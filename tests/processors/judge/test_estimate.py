"""What judging would have cost, against traffic that is known exactly."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from driftline.settings import load
from driftline_cli.app import app
from driftline_processors.judge.config import parse_config
from driftline_processors.judge.estimate import LIKELY, Estimate, estimate
from driftline_processors.judge.prompt import system_text
from driftline_processors.judge.rubric import load_rubric
from driftline_processors.prices import GenaiPriceBook
from rollup_support import put_sums

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client
    from store_fixtures import RunningStore

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BOOK = GenaiPriceBook()
TEXT = "x" * 1000


def put_traffic(client: Client, end: datetime = NOW) -> None:
    """A week of a feature with 100 requests an hour, 10 of them failed, and a day of a quiet one with a new prompt."""
    support = [
        {"feature": "support", "model": "m", "prompt_name": "p", "prompt_version": "1", "requests": 100,
         "request_errors": 10, "thumbs_down": 5, "at": end - timedelta(hours=hours)}
        for hours in range(1, 169)
    ]  # fmt: skip
    quiet = [
        {"feature": "quiet", "model": "m", "prompt_name": "q", "prompt_version": "2", "requests": 10,
         "request_errors": 0, "thumbs_down": 0, "at": end - timedelta(hours=hours)}
        for hours in range(1, 25)
    ]  # fmt: skip
    put_sums(client, [*support, *quiet])
    spans = [
        [f"{number:032x}", f"{number:016x}", end - timedelta(hours=1), feature, "m", TEXT, TEXT, TEXT]
        for number, feature in enumerate(["support"] * 60 + ["quiet"] * 20)
    ]
    names = ["trace_id", "span_id", "start", "feature", "model", "system", "input", "output"]
    client.insert("llm_spans", spans, column_names=names)


def of(client: Client, judge: str) -> Estimate:
    text = f"evaluators:\n  - {{name: j, kind: judge, {judge}}}"
    (found,) = estimate(client, parse_config(text, "f", load({})), BOOK, NOW)
    return found


def test_the_cost_of_last_weeks_traffic(client: Client) -> None:
    assert of(client, "rate: 10%").usd_a_day is None or of(client, "rate: 10%").judged == 0
    put_traffic(client)
    support, quiet = 168 * 90, 24 * 10

    found = of(client, "rate: 10%")
    assert [found.units, found.judged] == pytest.approx([support + quiet, (support + quiet) / 10])
    read = len(system_text(load_rubric(), "request").encode()) + 3 * len(TEXT)
    assert found.bytes_read == read
    each = BOOK.quote("openai", "gpt-4o-mini").cost(round(read / LIKELY.bytes_per_token), LIKELY.answer_tokens)
    assert each
    assert found.usd_a_day
    low, likely, high = found.usd_a_day
    assert float(likely) == pytest.approx(float(each) * found.judged * LIKELY.calls / 7, rel=1e-4)
    assert low < likely < high < 3 * low

    assert of(client, "rate: 10%, applies: {features: quiet}").units == quiet
    assert of(client, "rate: 10%, applies: {models: other}").judged == 0
    # At least five an hour: half of the quiet one, and the tenth of the other is nine already.
    assert of(client, "rate: 10%, raised: {min_per_hour: 5}").judged == pytest.approx(support / 10 + 24 * 5)
    # The prompt that was first seen a day ago, for half a day.
    new = of(client, "rate: 10%, raised: {new_version: {rate: 100%, for: 12h}}")
    assert new.judged == pytest.approx(support / 10 + 12 * 10 + 12 * 1)
    assert of(client, "rate: 0, boosts: {error: 50%}").judged == pytest.approx(168 * 10 / 2)
    assert of(client, "rate: 10%, boosts: {negative_feedback: 100%}").judged == pytest.approx(
        (support + quiet) / 10 + 168 * 5 * 0.9
    )
    assert of(client, "rate: 10%, model: our-own").usd_a_day is None
    # A trace's steps are read too: here its only span, which is counted once.
    assert of(client, "unit: trace").bytes_read == len(system_text(load_rubric(), "trace").encode()) + 3 * len(TEXT)
    # None of these requests belongs to a session.
    assert of(client, "unit: session").judged == 0
    free = of(client, "rate: 0").usd_a_day
    assert free == (Decimal(0), Decimal(0), Decimal(0))


def test_the_command_says_what_it_costs_and_what_it_assumes(
    client: Client,
    embedded_store: RunningStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_traffic(client, datetime.now(UTC))
    monkeypatch.setenv("COLUMNS", "250")
    file = tmp_path / "evaluators.yaml"
    file.write_text(
        "evaluators:\n"
        "  - {name: one, kind: judge, rate: 10%, budget: {per_day: 0.01}}\n"
        "  - {name: two, kind: judge, rate: 10%, model: our-own}\n",
        encoding="utf-8",
    )
    command = ["judge", "estimate", "--file", str(file), "--data-dir", str(embedded_store.path)]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    _, one, two, *assumed = (" ".join(line.split()) for line in result.output.splitlines())
    assert re.match(r"one request 15,\d{3} 1,5\d\d 4,834 0\.0\d 1\.\d\d \d\.\d\d to \d\.\d\d for \d\d% of it$", one)
    assert two.endswith("unknown: no price is known for our-own")
    assert "4 bytes each and 150 of an answer" in " ".join(assumed)
