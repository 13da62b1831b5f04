"""``driftline compare`` on a real store, with sums as the views write them."""

from __future__ import annotations

import dataclasses
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from driftline.errors import DriftlineError
from driftline_alerts.drift.compare_sides import first_together
from driftline_cli.app import app
from driftline_cli.compare import Asked, sides
from driftline_store.histogram import bin_of
from rollup_support import levels, put_sums
from store_fixtures import PRICES_AND_RULES, empty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_store.client import Client
    from store_fixtures import RunningStore

PAGE = (Path(__file__).parents[2] / "docs/compare.md").read_text(encoding="utf-8")
NOW = datetime.now(UTC).replace(microsecond=0)
MINUTES = timedelta(minutes=5)


def _seconds(middle: float) -> dict[int, int]:
    """2,000 requests around this many seconds."""
    at = bin_of(middle)
    return {at + step: count for step, count in ((-10, 300), (-5, 600), (0, 700), (5, 300), (10, 100))}


def _version(name: str, errors: int, seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "at": NOW - timedelta(hours=3),
        "environment": "live",
        "feature": "support",
        "model": "gpt-5",
        "prompt_version": name,
        "variant": "control",
        "requests": 2000,
        "request_errors": errors,
        "fallbacks": 20,
        "request_seconds": _seconds(seconds),
        "request_cost": _seconds(0.01),
        **more,
    }


def _judged(client: Client, version: str, counts: dict[int, int], evaluator: str = "one") -> None:
    at = NOW - timedelta(hours=3)
    names = (
        *("resolution", "at", "name", "evaluator", "unit", "feature", "prompt_version", "judged"),
        *("base_levels", "uniform_levels"),
    )
    n = sum(counts.values())
    rows = [
        # The rate of one part was raised, and its answers are bad: they would weigh too much.
        [resolution, begin, "quality", evaluator, "request", "support", version, n, counts, {0: 10 * n}]
        for resolution, begin in levels(at).items()
    ]
    token = {"insert_deduplication_token": uuid.uuid4().hex}
    client.insert("judged_rollups", rows, column_names=names, settings=token)


@pytest.fixture(scope="module")
def filled(embedded_store: RunningStore) -> Iterator[Path]:
    client = embedded_store.client()
    empty(client, keep=PRICES_AND_RULES)
    put_sums(
        client,
        [_version("v4", 40, 1.0), _version("v5", 140, 1.0, model="gpt-5-mini", variant="treatment")],
    )
    put_sums(client, [_version("v4", 20, 1.5, at=NOW - timedelta(days=10))])
    _judged(client, "v4", {20: 600, 18: 200, 10: 200})
    _judged(client, "v5", {20: 600, 18: 200, 10: 200})
    _judged(client, "v5", {0: 500}, evaluator="an older one")
    yield embedded_store.path
    empty(client, keep=PRICES_AND_RULES)
    client.close()


def said(folder: Path, *arguments: str) -> str:
    result = CliRunner().invoke(
        app, ["compare", *arguments, "--data-dir", str(folder)], catch_exceptions=False, env={"COLUMNS": "250"}
    )
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


VERSIONS = ("--a", "prompt_version=v4", "--b", "prompt_version=v5", "--feature", "support")


def test_two_versions_are_compared_metric_by_metric(filled: Path) -> None:
    found = said(filled, *VERSIONS)
    assert "A: feature=support, prompt_version=v4, " in found
    assert re.search(r"Error rate 2,000 and 2,000 2\.0 % 7\.0 % \+5\.00 pp \+[1-4]\.\d\d pp to \+[5-8].* worse ", found)
    assert re.search(r"Quality 1,000 and 1,000 0\.880 0\.880 \+0\.000 .* keep going: [\d,]+ more of each", found)
    assert re.search(r"Latency p95 2,000 and 2,000 .* \+0\.0 % ", found)


def test_a_metric_that_one_side_has_no_data_of_says_so(filled: Path) -> None:
    found = said(filled, "--a", "prompt_version=v4", "--b", "prompt_version=v6")
    assert re.search(r"Error rate 4,000 and 0 n/a n/a n/a n/a n/a no data of B", found)


def test_without_times_both_begin_at_the_first_hour_that_has_both(filled: Path) -> None:
    found = json.loads(said(filled, *VERSIONS, "--metric", "error_rate", "--json"))
    begin = (NOW - timedelta(hours=3)).replace(minute=0, second=0)
    assert [found[side]["since"] for side in "ab"] == [begin.isoformat()] * 2
    # What v4 did ten days ago, when there was no v5, is no part of it.
    assert found["metrics"][0]["n_a"] == 2000


def test_the_begin_is_that_of_the_day_where_its_hours_are_gone(embedded_store: RunningStore, filled: Path) -> None:
    del filled
    client = embedded_store.client()
    at = NOW - timedelta(days=20)
    put_sums(client, [_version(name, 20, 1.5, at=at) for name in ("v1", "v2")])
    client.command("DELETE FROM llm_rollups WHERE resolution = 'hour' AND prompt_version = 'v1'")
    begin = at.replace(hour=0, minute=0, second=0)
    sides = ({"prompt_version": "v1"}, {"prompt_version": "v1", "feature": "support"})
    assert first_together(client, *sides) == begin
    assert first_together(client, {"prompt_version": "v2"}, sides[0]) == at.replace(minute=0, second=0)
    assert first_together(client, {"prompt_version": "v9"}, {"prompt_version": "v8"}) is None
    client.command("DELETE FROM llm_rollups WHERE prompt_version IN ('v1', 'v2')")
    client.close()


def test_a_begin_that_is_given_counts(filled: Path) -> None:
    metric = ("--metric", "error_rate", "--json")
    begin = (NOW - timedelta(days=12)).isoformat()
    for of_both in (("--from", begin), ("--hours", "288")):
        found = json.loads(said(filled, *VERSIONS, *of_both, *metric))
        # What counts back does so from now, which other tests may have moved far from where this file was read.
        begins = NOW if of_both[0] == "--from" else datetime.now(UTC)
        assert datetime.fromisoformat(found["a"]["since"]) == pytest.approx(begins - timedelta(days=12), abs=MINUTES)
        assert found["metrics"][0]["n_a"] == 4000


def test_a_side_without_times_begins_where_the_other_period_ends() -> None:
    before, after = (Asked({}, None, NOW - timedelta(days=days)) for days in (7, 0))
    first, second = sides(dataclasses.replace(before, since=NOW - timedelta(days=14)), after, lambda _a, _b: None)
    assert (first.until, second.since, second.until) == (before.until, before.until, NOW)
    first, second = sides(before, after, lambda _a, _b: NOW - timedelta(days=30))
    assert (first.since, second.since) == (NOW - timedelta(days=30), before.until)


def test_it_is_said_for_which_begins_the_intervals_hold(filled: Path) -> None:
    assert "hold however often you look at what came since these begins" in said(filled, *VERSIONS)
    assert "move with the clock, as those of --hours or 7d do, hold at one look only" in said(filled, *VERSIONS)


def test_one_version_after_the_other_is_told_to_be_given_times(filled: Path) -> None:
    assert "say when each was: --a-from" in said(filled, "--a", "prompt_version=v4", "--b", "prompt_version=v6")
    assert "say when each was" not in said(filled, *VERSIONS)


def test_the_same_is_said_to_programs(filled: Path) -> None:
    found = json.loads(said(filled, *VERSIONS, "--metric", "error_rate", "--metric", "quality", "--json"))
    assert found["a"]["where"] == {"feature": "support", "prompt_version": "v4"}
    errors, quality = found["metrics"]
    assert (errors["metric"], errors["verdict"], errors["n_a"]) == ("error_rate", "worse", 2000)
    assert errors["low"] < 0.05 < errors["high"]
    assert errors["evidence"] > 20
    assert quality["verdict"] == "keep going"
    # A thousand of each since the begin, which is less than a day ago.
    since, until = (datetime.fromisoformat(found["a"][end]) for end in ("since", "until"))
    assert quality["expected_hours"] == pytest.approx((until - since) / timedelta(hours=1) * quality["more"])


def test_periods_are_compared(filled: Path) -> None:
    metrics = ("--metric", "latency_p95", "--metric", "error_rate")
    found = json.loads(said(filled, "--a-from", "14d", "--a-until", "7d", *metrics, "--json"))
    latency, errors = found["metrics"]
    assert latency["n_a"] == 2000
    assert latency["n_b"] == 4000
    assert latency["change"] == pytest.approx(1 / 1.5 - 1, abs=0.03)
    assert latency["verdict"] == "better"
    assert errors["verdict"] == "worse"


@pytest.mark.parametrize("line", re.findall(r"^    driftline (compare .*)$", PAGE, re.MULTILINE))
def test_the_examples_of_the_page_run(line: str, filled: Path) -> None:
    assert "verdict on B" in said(filled, *line.split()[1:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "A and B are the same"),
        (("--a", "v4", "--b", "v5"), "a side is a dimension and its value"),
        (("--a", "prompt_versoin=v4"), "did you mean 'prompt_version'"),
        ((*VERSIONS, "--metric", "qualty"), "did you mean 'quality'"),
        (("--a", "model=a", "--b", "model=b"), "nothing is stored of model=a or of model=b"),
        ((*VERSIONS, "--a-from", "yesterday"), "a time must look like"),
        ((*VERSIONS, "--a-from", "2d", "--a-until", "3d"), "a period must begin before it ends"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(filled: Path, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(DriftlineError, match=re.escape(message)):
        said(filled, *arguments)
