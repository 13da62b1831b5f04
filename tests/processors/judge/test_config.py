"""evaluators.yaml: what it says, what the settings say where it is silent, and where a mistake is."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from driftline.errors import SettingsError
from driftline.settings import load
from driftline_processors.judge import config_schema
from driftline_processors.judge.config import Evaluators, api_key, load_config, load_evaluators, parse_config

FULL = """\
budget: {per_day: 20}
evaluators:
  - name: support
    kind: judge
    rubric: chat-support
    model: gpt-4o
    base_url: https://judge.example/v1
    api_key_env: SUPPORT_KEY
    temperature: null
    unit: session
    applies: {features: support, models: [a, b]}
    rate: 2.5%
    raised: {min_per_hour: 20, new_version: {rate: 0.1, for: 24h}}
    boosts: {error: 50%, negative_feedback: 100%}
    budget: {per_day: 5, per_month: 99.9}
    concurrency: 64
    rpm: 500
    tpm: 200000
  - name: quality
    kind: judge
  - name: parses
    kind: check
    applies: {features: [extract]}
    json: true
"""
SETTINGS = load({})


def parse(text: str, **settings: Any) -> Evaluators:
    return parse_config(text, "evaluators.yaml", load({}, **settings))


def judge_of(text: str) -> str:
    return f"evaluators:\n  - name: tone\n    kind: judge\n    {text}\n"


def check_of(text: str) -> str:
    return f"evaluators:\n  - name: short\n    kind: check\n    {text}\n"


def test_a_judge_of_the_file() -> None:
    config = parse(FULL)
    support, _ = config.judges
    assert (support.rubric, support.model, support.temperature) == ("chat-support", "gpt-4o", None)
    assert (support.unit, support.concurrency, support.rpm, support.tpm) == ("session", 64, 500, 200_000)
    assert support.applies.features == ("support",)
    assert support.applies.models == ("a", "b")
    assert support.applies.operations == ()
    assert (support.rate, support.boosts.error, support.boosts.negative_feedback) == (0.025, 0.5, 1.0)
    assert support.raised.min_per_hour == 20
    assert support.raised.new_version
    assert (support.raised.new_version.rate, support.raised.new_version.for_) == (0.1, timedelta(hours=24))
    assert (support.budget.per_day, support.budget.per_month) == (Decimal(5), Decimal("99.9"))
    assert (config.budget.per_day, config.budget.per_month) == (Decimal(20), None)
    assert [(check.name, check.condition) for check in config.checks] == [("parses", "json")]


def test_the_settings_stand_in_for_what_a_judge_leaves_out() -> None:
    _, quality = parse(
        FULL, judge_model="m", judge_rate=0.2, judge_concurrency=9, judge_base_url="http://h/v1", judge_rubric="rag"
    ).judges
    assert (quality.model, quality.rate, quality.concurrency) == ("m", 0.2, 9)
    assert (quality.base_url, quality.rubric) == ("http://h/v1", "rag")


def test_without_a_file_there_is_one_judge_by_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (judge,) = load_evaluators(load({}, judge_rate=0.5, judge_model="m", judge_rubric="chat-support"))
    assert judge.kind == "judge"
    assert (judge.name, judge.rate, judge.model) == ("chat-support", 0.5, "m")
    with pytest.raises(SettingsError, match="the setting 'judge_base_url' is 'nowhere'"):
        load_config(load({}, judge_base_url="nowhere"))


def test_a_file_is_found_by_the_setting_or_in_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("evaluators.yaml").write_text("evaluators: []", encoding="utf-8")
    assert load_evaluators(SETTINGS) == ()
    Path("other.yaml").write_text(FULL, encoding="utf-8")
    assert len(load_evaluators(load({}, evaluators_file="other.yaml"))) == 3
    with pytest.raises(SettingsError, match=r"absent\.yaml does not exist; create it or correct the setting"):
        load_config(load({}, evaluators_file="absent.yaml"))


def test_a_rubric_lies_beside_the_file_and_is_read_with_it(tmp_path: Path) -> None:
    path = tmp_path / "evaluators.yaml"
    path.write_text(judge_of("rubric: tone.md"), encoding="utf-8")
    settings = load({}, evaluators_file=str(path))
    with pytest.raises(SettingsError, match=r"evaluators\.yaml line 4, column 13: evaluator 'tone': .*tone\.md does"):
        load_config(settings)
    (tmp_path / "tone.md").write_text("---\nname: tone\n---\nx", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"evaluator 'tone': .*tone\.md line 2, column 1: .*'version' is missing"):
        load_config(settings)
    (tmp_path / "tone.md").write_text("---\nname: tone\nversion: 1\n---\nx", encoding="utf-8")
    assert load_config(settings).judges[0].rubric == str(tmp_path / "tone.md")


def test_a_key_goes_to_the_endpoint_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORT_KEY", "theirs")
    settings = load({}, judge_api_key="ours")
    support, quality = parse(FULL).judges
    assert (api_key(support, settings), api_key(quality, settings)) == ("theirs", "ours")
    elsewhere = support.model_copy(update={"api_key_env": ""})
    assert api_key(elsewhere, settings) == "none"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", " is empty; write 'evaluators: []'"),
        ("a: [", " line 1 is not valid YAML"),
        ("- a", " line 1: expected 'evaluators:' with a list"),
        ("evaluators: {}", " line 1: expected 'evaluators:' with a list"),
        ("evaluators: [a]", " line 1, column 14: an evaluator must be"),
        ("budgt: {}\nevaluators: []", " line 1, column 1: the file: 'budgt' is unknown; did you mean 'budget'?"),
        ("budget: {per_day: x}\nevaluators: []", " line 1, column 19: the file: 'per_day' must be a number of USD"),
        ("evaluators:\n  - kind: judge", " line 2, column 5: an evaluator without a name: 'name' is missing"),
        ("evaluators:\n  - name: a", " line 2, column 5: evaluator 'a': 'kind' must be judge or check"),
        ("evaluators:\n  - name: a\n    kind: jugde", " line 3, column 11: evaluator 'a': 'kind' must be judge or"),
        (judge_of("rate: 5"), " line 4, column 11: evaluator 'tone': 'rate' must be a share"),
        (judge_of("rates: 5%"), " line 4, column 5: evaluator 'tone': 'rates' is unknown; did you mean 'rate'?"),
        (judge_of("unit: span"), " line 4, column 11: evaluator 'tone': 'unit' is 'span': input should be"),
        (judge_of("concurrency: 0"), " line 4, column 18: evaluator 'tone': 'concurrency' is 0"),
        (judge_of("boosts: {errors: 1}"), " line 4, column 14: evaluator 'tone': 'errors' is unknown; did you mean"),
        (judge_of("raised: {new_version: {rate: 1%, for: 1w}}"), " line 4, column 43: evaluator 'tone': 'for' must"),
        (judge_of("applies: {features: [1]}"), " line 4, column 25: evaluator 'tone': 'features' must be a text"),
        (judge_of("base_url: judge.example"), " line 4, column 15: evaluator 'tone': 'base_url' is"),
        (judge_of("rubric: qualty"), " line 4, column 13: evaluator 'tone': no rubric 'qualty' comes with Driftline"),
        (judge_of("kind: judge"), " line 4, column 5: evaluator 'tone': 'kind' stands there twice"),
        (judge_of("json: true"), " line 4, column 5: evaluator 'tone': 'json' is unknown"),
        (check_of("rate: 5%"), " line 4, column 5: evaluator 'short': 'rate' is unknown"),
        (check_of("json: false"), " line 4, column 11: evaluator 'short': 'json' is False"),
        (check_of("applies: {}"), " line 2, column 5: evaluator 'short': a check needs exactly one of length"),
        (check_of("length: {min: 1}\n    json: true"), " line 2, column 5: evaluator 'short': a check needs exactly"),
        (check_of("length: {min: 3, max: 2}"), " line 4, column 13: evaluator 'short': 'length' has its 'min' (3)"),
        (check_of("length: {}"), " line 4, column 13: evaluator 'short': 'length' needs"),
        (check_of("forbidden: '('"), " line 4, column 16: evaluator 'short': 'forbidden' must be regular"),
        (check_of("forbidden: 'a(?!b)'"), " line 4, column 16: evaluator 'short': 'forbidden' must do without"),
        (check_of(r"forbidden: '(a)\1'"), " line 4, column 16: evaluator 'short': 'forbidden' must do without"),
        (check_of("language: english"), " line 4, column 15: evaluator 'short': 'language' must be"),
        (check_of("json_schema: {type: sting}"), " line 4, column 18: evaluator 'short': 'json_schema' has"),
        (FULL + "  - name: quality\n    kind: judge", " line 25, column 11: two evaluators are named 'quality'"),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text)
    assert str(caught.value).startswith(f"evaluators.yaml{message}")


@examples(deadline=None, max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "kind", "judge", "check", "rate", "budget", "length", "json"]), x
            )
        ),
    )
)
def test_any_value_is_a_file_or_a_settings_error(value: object) -> None:
    for text in (yaml.safe_dump(value), yaml.safe_dump({"evaluators": value}), yaml.safe_dump({"evaluators": [value]})):
        with contextlib.suppress(SettingsError):
            parse(text)


def test_the_json_schema_that_ships_is_that_of_the_code() -> None:
    assert config_schema.PATH.read_text(encoding="utf-8") == config_schema.text()


def test_editors_accept_by_the_schema_what_is_right_and_refuse_what_is_not() -> None:
    schema = json.loads(config_schema.text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(FULL), schema)
    for wrong in (judge_of("rate: 101x"), judge_of("rates: 5%"), check_of("rate: 5%"), "{}", judge_of("unit: span")):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(yaml.safe_load(wrong), schema)
