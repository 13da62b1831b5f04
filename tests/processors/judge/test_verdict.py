"""The form of the judge's answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from driftline_processors.judge.rubric import load_rubric, parse_rubric
from driftline_processors.judge.verdict import MAX_EXPLANATION, Verdict, parse, response_format

QUALITY = load_rubric()
CLASSES = load_rubric("classification")
WEIGHED = parse_rubric(
    "---\nname: a\nversion: 1\nscale: 1-5\noverall: mean\n"
    "criteria:\n  tone: Kind\n  facts: {question: Right, weight: 3}\n---\nx",
    "f",
)


def test_a_score_and_its_reasons() -> None:
    assert parse('{"explanation": "x", "score": 7}', QUALITY) == Verdict("x", 0.7)


def test_the_weighted_mean_of_criteria() -> None:
    verdict = parse('{"explanation": "x", "tone": 5, "facts": 3}', WEIGHED)
    assert verdict == Verdict("x", (1 * 1 + 3 * 0.5) / 4, (("tone", 1.0), ("facts", 0.5)))


def test_words_as_steps() -> None:
    text = '{"explanation": "x", "valid_label": "pass", "rules_followed": "fail", "score": "pass"}'
    assert parse(text, CLASSES) == Verdict("x", 1.0, (("valid_label", 1.0), ("rules_followed", 0.0)))


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"explanation": "x", "score": 5}\n```',
        'Here you are: {"explanation": "x", "score": 5}',
        '{"explanation": "x", "score": 5.0, "confidence": 1}',
    ],
)
def test_what_stands_around_it_does_not_matter(text: str) -> None:
    assert parse(text, QUALITY) == Verdict("x", 0.5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no JSON at all", "not one JSON object"),
        ("", "not one JSON object"),
        ("[1]", "not one JSON object"),
        ('{"explanation": "x", "score": 5', "not one JSON object"),
        ('{"explanation": "a", "score": 1} {"explanation": "b", "score": 10}', "not one JSON object"),
        ('{"explanation": "x", "score": 1, "score": 10}', "a key twice"),
        ("{" + '"a":{' * 5000 + "}" * 5001, "not one JSON object"),
        ('{"score": 5}', '"explanation" must be there'),
        ('{"explanation": 1, "score": 5}', '"explanation" must be there'),
        ('{"explanation": "x"}', '"score" must be there, as a whole number from 0'),
        *((f'{{"explanation": "x", "score": {bad}}}', '"score" must be there') for bad in
          ("11", "-1", "5.5", '"5"', '"high"', "true", "null", "[5]", "{}", "NaN", "1e999")),
    ],
)  # fmt: skip
def test_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text, QUALITY)


def test_the_reason_repeats_nothing_of_the_answer() -> None:
    with pytest.raises(ValueError, match="score") as caught:
        parse(json.dumps({"explanation": "EVIL", "score": "EVIL", "EVIL": 1}), QUALITY)
    assert "EVIL" not in str(caught.value)


def test_a_long_explanation_is_cut() -> None:
    assert len(parse(json.dumps({"explanation": "x" * 99_999, "score": 1}), QUALITY).explanation) == MAX_EXPLANATION


def test_the_schema_asks_for_reasons_first_and_knows_only_the_steps() -> None:
    schema: dict[str, Any] = response_format(CLASSES)["json_schema"]["schema"]
    assert schema["required"] == list(schema["properties"]) == ["explanation", "valid_label", "rules_followed", "score"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["score"] == {"type": "string", "enum": ["fail", "pass"]}
    assert response_format(QUALITY)["json_schema"]["schema"]["properties"]["score"]["enum"] == list(range(11))
    assert "score" not in response_format(WEIGHED)["json_schema"]["schema"]["properties"]
