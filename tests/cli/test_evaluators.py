"""``driftline evaluators``: what it says about a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from driftline.errors import SettingsError
from driftline_cli.app import app
from driftline_processors.judge.rubric import SHIPPED, parse_rubric

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
evaluators:
  - {name: support, kind: judge, rubric: chat-support, applies: {features: [support]}, rate: 5%, budget: {per_day: 2}}
  - {name: parses, kind: check, json: true, applies: {features: extract}}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("DRIFTLINE_JUDGE_API_KEY", raising=False)
    path = tmp_path / "evaluators.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def said(*command: str) -> list[str]:
    result = CliRunner().invoke(app, ["evaluators", *command], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.output.splitlines()]


def test_a_file_that_is_right(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said("check", str(file)) == [
        "evaluator 'support' has no key and does not judge; set DRIFTLINE_JUDGE_API_KEY",
        "right: 1 judges and 1 checks",
    ]
    monkeypatch.setenv("DRIFTLINE_JUDGE_API_KEY", "k")
    assert said("check", str(file)) == ["right: 1 judges and 1 checks"]


def test_a_file_that_is_wrong(file: Path) -> None:
    file.write_text(TEXT.replace("5%", "5"), encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"evaluators\.yaml line 2, column \d+: evaluator 'support': 'rate' must be"
    ):
        said("check", str(file))
    file.write_text(TEXT.replace("rate:", "model: our-own, rate:"), encoding="utf-8")
    with pytest.raises(
        SettingsError, match="'support' has a budget, but the price of its model 'our-own' is not known"
    ):
        said("check", str(file))


def test_what_is_in_force(file: Path) -> None:
    shown = said("show", str(file))
    assert "support request support 5.00% gpt-4o-mini chat-support 2" in shown
    assert "parses extract json" in shown


def test_shipped_rubrics_are_printed_to_start_from() -> None:
    assert said("rubric") == list(SHIPPED)
    result = CliRunner().invoke(app, ["evaluators", "rubric", "rag"], catch_exceptions=False)
    assert parse_rubric(result.output, "f").name == "rag"
