"""docs/alerts.md: what it shows of alerts.yaml can be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

from driftline_alerts.alerts_file import parse_file
from driftline_alerts.rules_schema import schema

if TYPE_CHECKING:
    from driftline_alerts.alerts_file import AlertsFile

PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"
DRIFT = PAGE.with_name("drift.md")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> list[AlertsFile]:
    monkeypatch.setenv("SLACK_SUPPORT", "https://hooks.slack.example/services/T0/B0/x")
    monkeypatch.setenv("PAGERDUTY_KEY", "k" * 32)
    return [parse_file(block, "alerts.md") for block in BLOCKS]


def test_its_examples_are_right(files: list[AlertsFile]) -> None:
    assert len(files) == 4
    assert files[0].routes[0].escalate is not None
    assert files[0].routes[1].quiet == "22:00-07:00"


@pytest.mark.parametrize("page", ["alerts", "drift", "rules", "guard", "channels"])
def test_what_pages_show_of_the_file_is_right_for_editors_too(page: str) -> None:
    text = PAGE.with_name(f"{page}.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)]
    assert blocks
    for block in blocks:
        jsonschema.validate(block, schema())


def test_what_the_page_about_drift_shows_of_it_is_right() -> None:
    (block,) = re.findall(r"```yaml\n(drift:.*?)```", DRIFT.read_text(encoding="utf-8"), flags=re.DOTALL)
    first, second, third = parse_file(block, "drift.md").drift
    assert (first.min_change, first.where) == (0.05, {"feature": "search"})
    assert not second.watch
    assert third.tolerance == 0.1


def test_the_rules_that_it_calls_shipped_are() -> None:
    shipped = {rule.name for rule in parse_file("", "nothing").rules}
    named = re.findall(r"Shipped as `([^`]+)`", PAGE.read_text(encoding="utf-8"))
    assert named
    assert set(named) <= shipped
