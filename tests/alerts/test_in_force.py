"""Which alerts.yaml a running worker follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftline import settings as driftline_settings
from driftline_alerts.in_force import InForce

if TYPE_CHECKING:
    from pathlib import Path

RULES = "defaults: false\nrules: [{{name: {name}, metric: latency_p95, window: 15m, above: 3}}]\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "alerts.yaml"
    file.write_text(RULES.format(name="one"))
    return file


def names(rules: InForce) -> list[str]:
    return [rule.name for rule in rules.file.rules]


def test_a_change_counts_once_the_file_has_stopped_changing(path: Path) -> None:
    rules = InForce(driftline_settings.load({}))
    assert not rules.has_changed()
    path.write_text("defaults: false\n")
    assert not rules.has_changed(), "it may be half of what is being written"
    path.write_text(RULES.format(name="another"))
    assert not rules.has_changed()
    assert rules.has_changed()
    assert names(rules) == ["another"]
    assert not rules.has_changed()


@pytest.mark.parametrize("accident", ["gone", "empty", "wrong"])
def test_what_is_more_likely_an_accident_changes_nothing_and_is_told_once(
    path: Path, accident: str, caplog: pytest.LogCaptureFixture
) -> None:
    rules = InForce(driftline_settings.load({}))
    path.unlink()
    if accident != "gone":
        path.write_text("" if accident == "empty" else "rules: 7")
    assert [rules.has_changed() for _ in range(4)] == [False] * 4
    assert names(rules) == ["one"]
    assert caplog.text.count("what was in force before stays so") == 1
    path.write_text(RULES.format(name="two"))
    assert [rules.has_changed() for _ in range(3)] == [False, True, False]
    assert names(rules) == ["two"]


def test_other_words_for_the_same_are_no_change(path: Path) -> None:
    rules = InForce(driftline_settings.load({}))
    path.write_text("# why\n" + path.read_text())
    assert [rules.has_changed() for _ in range(3)] == [False] * 3


def test_a_file_that_is_created_later_is_followed(path: Path) -> None:
    path.unlink()
    rules = InForce(driftline_settings.load({}))
    path.write_text(RULES.format(name="one"))
    assert [rules.has_changed() for _ in range(2)] == [False, True]
    assert names(rules) == ["one"]
