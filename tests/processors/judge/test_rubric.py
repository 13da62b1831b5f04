"""Rubrics: what a file must say, and where a message points when it does not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.errors import SettingsError
from driftline_processors.judge.rubric import Rubric, load_rubric, parse_rubric

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "---\nname: tone\nversion: 1.10\npass_score: 0.5\n---\nBe kind.\n"


def test_the_default_rubric() -> None:
    rubric = load_rubric()
    assert (rubric.name, rubric.pass_score) == ("quality", 0.7)
    assert "answers the question" in rubric.instructions


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tone.md"
    path.write_text(GOOD, encoding="utf-8")
    assert load_rubric(path) == Rubric("tone", "1.10", "Be kind.", 0.5)


def test_pass_score_can_be_left_out() -> None:
    assert parse_rubric("---\nname: a\nversion: b\n---\nx", "f").pass_score == 0.7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f line 1: a rubric begins"),
        ("Be kind.", "f line 1: a rubric begins"),
        ("---\nname: a\nversion: 1\n", "f line 1: a rubric begins"),
        ("---\nname: a\nversion: 1\n---\n \n", "f line 5: no instructions"),
        ("---\nname: a\nversion: 1\nwho: me\n---\nx", "f line 4, column 1: the rubric: 'who' is unknown"),
        ("---\nname: a\n---\nx", "f line 2, column 1: the rubric: 'version' is missing"),
        ("---\nname: a\nversion: [1]\n---\nx", "f line 3, column 10: the rubric: 'version' is [1]"),
        ("---\nname: a\nversion: 1\npass_score: 7\n---\nx", "f line 4, column 13: the rubric: 'pass_score' is 7"),
        ("---\nname: a\nversion: 1: 2\n---\nx", "f line 3 is not valid YAML"),
        ("---\nname: a\nversion: 1\nscale: 1-7\n---\nx", "f line 4, column 8: the rubric: 'scale' must be one of 0-10"),
        ("---\nname: a\nversion: 1\ncriteria: {score: x}\n---\nx", "f line 4, column 11: the rubric: 'criteria' must"),
        ("---\nname: a\nversion: 1\noverall: mean\n---\nx", "f line 2, column 1: the rubric: 'overall: mean' needs"),
        ("---\n- a\n---\nx", "f line 2: expected fields"),
        ("---\n---\nx", "f is empty"),
    ],
)
def test_what_is_wrong_and_where(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_rubric(text, "f")
    assert str(caught.value).startswith(message)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"absent\.md does not exist; create it or correct the setting 'judge_rubric'"
    ):
        load_rubric(tmp_path / "absent.md")
    binary = tmp_path / "binary.md"
    binary.write_bytes(b"---\n\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_rubric(binary)


def test_a_name_that_is_nearly_a_shipped_one() -> None:
    with pytest.raises(SettingsError, match=r"no rubric 'qualty' comes with Driftline \(did you mean 'quality'"):
        load_rubric("qualty")


def test_criteria_are_questions_with_weights() -> None:
    criteria = "criteria:\n  tone: Kind?\n  facts: {question: Is it right, weight: 3}"
    front = f"name: a\nversion: 1\nscale: 1-5\noverall: mean\n{criteria}"
    rubric = parse_rubric(f"---\n{front}\n---\nx", "f")
    assert [(name, one.question, one.weight) for name, one in rubric.criteria.items()] == [
        ("tone", "Kind?", 1),
        ("facts", "Is it right", 3),
    ]
    assert rubric.scale.share(4) == 0.75


@given(st.text())
def test_any_text_is_a_rubric_or_a_settings_error(front: str) -> None:
    with contextlib.suppress(SettingsError):
        parse_rubric(f"---\n{front}\n---\nx", "f")


def test_the_fingerprint_names_all_that_scores_depend_on() -> None:
    rubric = parse_rubric(GOOD, "f")
    other = parse_rubric(GOOD.replace("kind", "polite"), "f")
    prints = {rubric.fingerprint("m", "p"), rubric.fingerprint("n", "p"), rubric.fingerprint("m", "q")}
    assert len(prints | {other.fingerprint("m", "p")}) == 4
    assert rubric.fingerprint("m", "p") == parse_rubric(GOOD, "elsewhere").fingerprint("m", "p")
    assert rubric.fingerprint("m").startswith("tone 1.10 m ")
