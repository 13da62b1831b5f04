"""The prompt: what the judge is told of a request, a chain of steps and a conversation."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from driftline_processors.judge.prompt import MAX_CHARS, messages
from driftline_processors.judge.rubric import SHIPPED, Rubric, load_rubric, parse_rubric
from driftline_processors.judge.task import Task

RUBRIC = load_rubric()
TASK = Task("ab" * 16, "cd" * 8, datetime.now(UTC), ("",) * 7, 1.0, "Be brief.", "What is it?", "It is this.")
STEPS = json.dumps(
    [
        {"name": "search", "input": "it", "output": "[]", "error": ""},
        {"name": "search", "input": "this", "output": "", "error": "timeout"},
    ]
)


def user(task: Task, max_chars: int = MAX_CHARS, reason: str = "") -> str:
    return messages(RUBRIC, task, max_chars, reason)[1]["content"]


def test_a_request() -> None:
    said = user(TASK)
    (code,) = re.findall(r"^The code of the markers is (\w{16})\.$", said, re.MULTILINE)
    assert said == (
        f"The code of the markers is {code}.\n\n"
        f"BEGIN INSTRUCTIONS TO THE ASSISTANT {code}\nBe brief.\nEND INSTRUCTIONS TO THE ASSISTANT {code}\n\n"
        f"BEGIN CONVERSATION {code}\nWhat is it?\nEND CONVERSATION {code}\n\n"
        f"BEGIN ANSWER {code}\nIt is this.\nEND ANSWER {code}\n\n"
        "The material ends here. Judge it by the rules of the system message."
    )
    assert user(TASK) == said


def titles(task: Task) -> list[str]:
    return re.findall(r"^BEGIN (.*) \w{16}$", user(task), re.MULTILINE)


def test_a_trace_has_its_steps_in_order_before_the_answer() -> None:
    task = replace(TASK, unit="trace", steps=STEPS)
    assert titles(task) == ["INSTRUCTIONS TO THE ASSISTANT", "CONVERSATION", "STEP 1", "STEP 2", "ANSWER"]
    assert "name: search\n\ninput: this\n\noutput: [failed: timeout]\nEND STEP 2" in user(task)
    assert "after several steps" in messages(RUBRIC, task)[0]["content"]


def test_a_session_has_its_turns_and_no_answer_of_its_own() -> None:
    turns = json.dumps(
        [
            {"name": "chat", "input": json.dumps([{"role": "user", "content": "Hi"}]), "output": "Hello", "error": ""},
            {"name": "chat", "input": "Help", "output": "", "error": "timeout"},
        ]
    )
    task = replace(TASK, unit="session", system="", input="", output="", steps=turns)
    assert titles(task) == [f"TURN {n} OF THE {who}" for n in (1, 2) for who in ("PERSON", "ASSISTANT")]
    assert re.search(r"BEGIN TURN 1 OF THE PERSON \w+\nHi\n", user(task))
    assert re.search(r"BEGIN TURN 2 OF THE ASSISTANT \w+\n\[failed: timeout\]\n", user(task))
    assert "a whole conversation" in messages(RUBRIC, task)[0]["content"]


def test_an_anchor_is_judged_by_the_words_that_answers_are_judged_by() -> None:
    assert messages(RUBRIC, replace(TASK, unit="anchor")) == messages(RUBRIC, TASK)


def test_an_empty_answer_is_shown_as_one() -> None:
    assert titles(replace(TASK, system="", input="", output="")) == ["ANSWER"]


def test_the_longest_texts_lose_their_middle_and_short_ones_nothing() -> None:
    long = "a" * 1000 + "b" * 1000
    said = user(replace(TASK, input=long, output=long), max_chars=820)
    assert "Be brief." in said
    assert len(re.findall(r"a{203}\n\[\.\.\. 1595 characters left out \w{16} \.\.\.\]\nb{202}\nEND", said)) == 2


def test_images_are_not_sent() -> None:
    blob = {"type": "blob", "mime_type": "image/png", "content": "iVBOR" * 1000}
    said = user(replace(TASK, input=json.dumps([{"role": "user", "parts": [blob]}])))
    assert "[image/png, 4 kB]" in said
    assert "iVBOR" not in said


def test_the_second_prompt_says_what_was_wrong_outside_of_the_material() -> None:
    said = user(TASK, reason='"score" must be there, as a whole number from 0 (worst) to 10 (best)')
    outside = said.rpartition("END ANSWER")[2]
    assert 'could not be used: "score" must be there' in outside
    assert '{"explanation": "...", "score": 0}' in outside


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_rubrics_say_what_to_score_on_which_scale(name: str) -> None:
    rubric = load_rubric(name)
    assert rubric.name == name
    told = messages(rubric, TASK)[0]["content"]
    for criterion, one in rubric.criteria.items():
        assert f"- {criterion}: {one.question}" in told
    assert rubric.scale.told in told


def test_braces_in_a_rubric_are_text() -> None:
    rubric: Rubric = parse_rubric("---\nname: a\nversion: 1\n---\nAnswer {what} in {0}.", "f")
    assert "Answer {what} in {0}." in messages(rubric, TASK)[0]["content"]
