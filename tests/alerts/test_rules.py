"""alerts.yaml: what is understood, and what is said about what is not."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from alert_support import rule
from driftline import settings as driftline_settings
from driftline.errors import SettingsError
from driftline_alerts import rules_schema
from driftline_alerts.alerts_file import default_rules, default_text, load_file, load_rules, parse_file
from driftline_alerts.limit import Limit, parse_limit
from driftline_alerts.rule import Rule
from driftline_alerts.system_metrics import SYSTEM
from driftline_store.metrics import ERROR_CLASSES, METRICS

DOCS = Path(__file__).parents[2] / "docs" / "rules.md"


def test_the_shipped_rules_cover_what_was_promised() -> None:
    rules = {rule.name: rule for rule in default_rules()}
    assert (rules["low quality"].metric, rules["low quality"].below) == ("quality", Limit(0.85))
    fallen = rules["quality fallen"]
    assert (fallen.metric, fallen.below, fallen.baseline) == ("quality", Limit(-0.05, "difference"), "last week")
    assert (rules["slow answers"].metric, rules["slow answers"].above) == ("latency_p95", Limit(3))
    doubled = rules["cost per session doubled"]
    assert (doubled.metric, doubled.above) == ("cost_per_session", Limit(2, "factor"))
    assert rules["daily spend"].metric == "spend"
    assert rules["no traffic"].counts_nothing
    watched = {rule.metric for rule in rules.values()}
    assert watched > {"fallback_rate", "satisfaction", "report_rate", "error_rate", *ERROR_CLASSES, *SYSTEM}


def test_a_full_rule() -> None:
    text = """
rules:
  - name: checkout errors
    metric: error_rate
    window: 2h
    above: 2.5%
    min_n: 40
    group_by: [prompt_version, model]
    where: {feature: checkout, service: shop}
    critical: 10%
    recover: 1%
    for: 10m
    no_data: resolve
    team: payments
    runbook: https://wiki.example.com/errors
    description: Look at the provider's status page.
"""
    (found,) = parse_file(f"defaults: false\n{text}", "a.yaml").rules
    assert found == Rule.model_validate(
        {
            "name": "checkout errors",
            "metric": "error_rate",
            "window": timedelta(hours=2),
            "above": Limit(0.025),
            "min_n": 40,
            "group_by": ("model", "prompt_version"),
            "where": {"service": "shop", "feature": "checkout"},
            "critical": Limit(0.1),
            "recover": Limit(0.01),
            "for": timedelta(minutes=10),
            "no_data": "resolve",
            "team": "payments",
            "runbook": "https://wiki.example.com/errors",
            "description": "Look at the provider's status page.",
        }
    )
    assert found.dimensions == ("service", "feature", "model", "prompt_version")


SLOW = "rules:\n  - name: slow\n    metric: latency_p95\n    window: 15m\n"
PAIR = "rules:\n  - {name: v, window: 1d, "

MISTAKES = {
    "rules:\n  - name: [": "a.yaml line 2 is not valid YAML: ",
    "a: \tb: c": "is not valid YAML",
    "rules:\n  - a: \x00": "is not valid YAML: unacceptable character",
    "- name: slow":
        "a.yaml line 1, column 1: expected keys such as 'rules:'; known are defaults, without, rules, drift",
    "rules: slow": "a.yaml line 1, column 8: the file: 'rules' is 'slow': input should be a valid tuple",
    "rules: []\nrule: []": "a.yaml line 2, column 1: the file: 'rule' is unknown; did you mean 'rules'?",
    "defaults: 1": "a.yaml line 1, column 11: the file: 'defaults' is 1: input should be a valid boolean",
    "without: [daily spent]":
        "line 1, column 11: 'daily spent' is no rule that comes with Driftline; did you mean 'daily spend'?",
    "without: nothing": "line 1, column 10: 'nothing' is no rule that comes with Driftline",
    "rules:\n  - slow": "a.yaml line 2, column 5: a rule must be 'key: value' pairs",
    "rules:\n  - metric: requests\n    above: 1\n    window: 1h":
        "a.yaml line 2, column 5: a rule without a name: 'name' is missing",
    "rules:\n  - {name: x, metric: qualty, window: 1h, below: 0.5}":
        "line 2, column 23: rule 'x': 'metric' names 'qualty', which is no metric; did you mean 'quality'?",
    SLOW + "    above: 3\n    abov: 3": "line 6, column 5: rule 'slow': 'abov' is unknown; did you mean 'above'?",
    SLOW: "line 2, column 5: rule 'slow': needs 'above' or 'below'",
    SLOW + "    above: 3\n    below: 1":
        "line 6, column 12: rule 'slow': 'below' stands beside 'above'; make two rules of it",
    SLOW + "    above: fast":
        "line 5, column 12: rule 'slow': 'above' must be a number in the metric's unit, a share such as 5%",
    SLOW + "    above: .nan": "rule 'slow': 'above' must be a number",
    SLOW + "    above: true": "rule 'slow': 'above' must be a number",
    SLOW + "    above: 5%": "line 5, column 12: rule 'slow': 'above' is in percent, but 'latency_p95' in s",
    SLOW + "    above: 5% more\n    baseline: 24h": "but 'latency_p95' in s; write 1.05x for a factor",
    SLOW + "    above: 3 less\n    baseline: 24h": "column 12: rule 'slow': 'above' must be so much more than before",
    SLOW + "    above: 3\n    critical: 3":
        "line 6, column 15: rule 'slow': 'critical' is on the wrong side of 'above'; it must be more",
    SLOW + "    above: 3\n    recover: 4":
        "line 6, column 14: rule 'slow': 'recover' is on the wrong side of 'above'; it must be less",
    SLOW + "    below: 3\n    recover: 2": "'recover' is on the wrong side of 'below'; it must be more than that",
    SLOW + "    above: 2x\n    baseline: 24h\n    critical: 9":
        "line 7, column 15: rule 'slow': 'critical' is of another kind",
    SLOW + "    above: 3\n    critical: 4\n    severity: critical":
        "'critical' says nothing, as the severity is critical",
    SLOW + "    above: 2x": "line 5, column 12: rule 'slow': 'above' needs a 'baseline', such as 24h",
    SLOW + "    above: 3\n    baseline: 24h":
        "line 6, column 15: rule 'slow': 'baseline' goes with a factor such as 2x",
    SLOW + "    above: 0x\n    baseline: 24h": "line 5, column 12: rule 'slow': 'above' must be a factor above 0x",
    SLOW + "    above: 2x\n    baseline: yesterday":
        "line 6, column 15: rule 'slow': 'baseline' must be a time such as 24h, 'last week' or 'other version'",
    SLOW + "    above: 2x\n    baseline: 32d": "line 6, column 15: rule 'slow': 'baseline' must be at most 31d",
    SLOW + "    above: 2x\n    baseline: other version": "'baseline' needs 'prompt_version' in 'group_by'",
    "rules:\n  - {name: w, metric: requests, window: 8d, above: 2x, baseline: last week}":
        "line 2, column 41: rule 'w': 'window' must be at most 7d, to be compared with last week",
    PAIR + "metric: spend, above: 2x, baseline: other version, group_by: prompt_version}":
        "line 2, column 35: rule 'v': 'metric' is 'spend', which depends on how often each version is used",
    PAIR + "metric: users, below: 0.5x, baseline: 7d}":
        "rule 'v': 'baseline' must be as long as 'window', as 'users' counts what is distinct",
    PAIR + "metric: error_rate, above: 5}":
        "line 2, column 54: rule 'v': 'above' is 5, but 'error_rate' lies between 0 and 1; did you mean 5.0%?",
    PAIR + "metric: dead_letters, above: 5, group_by: service}":
        "rule 'v': 'group_by' has no meaning for 'dead_letters', which is about Driftline itself; remove it",
    "rules:\n  - {name: 'drift: x', metric: calls, window: 1d, above: 1}":
        "'name' begins with 'drift: ', as alerts of drift",
    SLOW + "    above: 3\n    for: 0m": "line 6, column 10: rule 'slow': 'for' must be a time such as 15m",
    SLOW + "    above: 3\n    for_: 5m": "line 6, column 5: rule 'slow': 'for_' is unknown; did you mean 'for'?",
    SLOW + "    above: 3\n    no_data: ignore": "'no_data' is 'ignore': input should be 'keep'",
    SLOW + "    above: 3\n    runbook: http://wiki/slow": "rule 'slow': 'runbook' is 'http://wiki/slow'",
    SLOW + "    above: 3\n    above: 4": "line 6, column 5: rule 'slow': 'above' stands there twice; remove one",
    SLOW + "    above: 3\n    min_n: -1": "'min_n' is -1: input should be greater than or equal to 0",
    SLOW + "    above: 3\n    min_n: many": "'min_n' is 'many': input should be a valid integer",
    SLOW + "    above: 3\n    severity: bad": "'severity' is 'bad': input should be 'info', 'warning'",
    SLOW + "    above: 3\n    group_by: modell":
        "'group_by' names 'modell', which is no dimension; did you mean 'model'?",
    SLOW + "    above: 3\n    group_by: {a: b}": "'group_by' must be a list of dimensions",
    SLOW + "    above: 3\n    where: {team: a}": "'where' names 'team', which is no dimension",
    SLOW + "    above: 3\n    where: {prompt_version: 1.10}":
        "'where' needs quotes around the value of prompt_version: 1.1 is not text",
    SLOW + "    above: 3\n    where: checkout": "'where' must map dimensions to values",
    SLOW + "    above: 3\n    group_by: model\n    where: {model: a}":
        "line 7, column 12: rule 'slow': 'where' names 'model'",
    SLOW + "    above: 3\n    description: 2026-13-45": "rule 'slow': month must be in 1..12",
    SLOW + "    above: 3\n    ? [a]\n    : b": "line 6, column 7: rule 'slow': a key must be a word",
    SLOW + "    above: 3\n    description: !!python/object:os.system x":
        "line 6, column 18: rule 'slow': could not determine a constr",
    SLOW + "    above: 3\n  - name: slow\n    metric: calls\n    window: 1h\n    above: 3":
        "line 6, column 11: two rules are named 'slow'; rename one",
    "review:\n  - name: x": "line 2, column 5: review rule 'x': needs one of 'phrases', 'patterns', 'confidence_below'",
    "review:\n  - {name: x, patterns: '(?=a)b'}": "column 25: review rule 'x': 'patterns' must do without look-around",
    "review:\n  - {name: x, phrases: a}\n  - {name: x, phrases: b}":
        "line 3, column 12: two review rules are named 'x'",
    "channels: {a: {kind: fax}}": "line 1, column 22: channel 'a': 'kind' must be one of",
    "channels: {a: fax}": "line 1, column 15: channel 'a': must be 'key: value' pairs",
    "channels:\n  a: {kind: slack, tokn: x}":
        "line 2, column 20: channel 'a': 'tokn' is unknown; did you mean 'token'?",
    "channels: {a: {kind: slack, webhook_url: secret}}":
        "channel 'a': 'webhook_url' must name a variable of the environment",
    "routes:\n  - channels: [slack]\n    severity: bad": "line 3, column 15: the file: ",
    "containment: {features: [chat], rules: [drift, quality-low]}": (
        "line 1, column 48: 'quality-low' is no rule that is in force"
    ),
    "without: [daily spend]\ncontainment: {features: [chat], rules: [daily spend]}": (
        "line 2, column 41: 'daily spend' is no rule that is in force"
    ),
    "routes:\n  - channels: [slack, pager]": "line 2, column 23: 'pager' is no channel of this file; known are: slack",
    "routes:\n  - channels: slack\n    escalate: {after: 5m, channels: slack}":
        "line 3, column 15: the file: 'escalate' adds nobody; name a channel that is not in 'channels'",
    "routes:\n  - channels: slack\n    escalate: {after: 5m, channels: boss}":
        "line 3, column 37: 'boss' is no channel of this file",
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES.items())
def test_mistakes_are_told_with_their_place_and_a_remedy(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        parse_file(text, "a.yaml")
    assert "\n" not in str(caught.value)


def test_all_mistakes_of_a_file_are_told_at_once_in_their_order() -> None:
    text = SLOW + "    above: fast\n    severity: bad\n  - {name: b, metric: calls, window: 1h, above: 1, fro: 5m}\n"
    text += "review: [{name: x}]\nwithout: [gone]\n"
    with pytest.raises(SettingsError) as caught:
        parse_file(text, "a.yaml")
    places = [line.partition(": ")[0] for line in str(caught.value).splitlines()]
    assert places == [
        "a.yaml line 5, column 12", "a.yaml line 6, column 15", "a.yaml line 7, column 52", "a.yaml line 8, column 10",
        "a.yaml line 9, column 11",
    ]  # fmt: skip


def test_the_shipped_rules_hold_beside_the_file_s_own() -> None:
    shipped = [rule.name for rule in default_rules()]

    def names(text: str) -> list[str]:
        return [rule.name for rule in parse_file(text, "a.yaml").rules]

    assert names("") == names("# nothing yet\n") == names("rules: []") == names("{}") == shipped
    own = SLOW + "    above: 3\n"
    assert names(own) == [*shipped, "slow"]
    assert names(f"defaults: false\n{own}") == ["slow"]
    assert names(f"without: [daily spend, errors]\n{own}") == [
        *(name for name in shipped if name not in {"daily spend", "errors"}), "slow",
    ]  # fmt: skip
    spend = "rules: [{name: daily spend, metric: spend, window: 24h, above: 7, min_n: 1}]"
    assert sorted(names(spend)) == sorted(shipped)
    assert [rule.above for rule in parse_file(spend, "a.yaml").rules if rule.name == "daily spend"] == [Limit(7)]


def test_a_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_SUPPORT", "https://hooks.example.com/services/x")
    text = """
defaults: false
review:
  - {name: promises, phrases: [refund], confidence_below: 40%, where: {feature: support}, per_hour: 5}
channels:
  support: {kind: slack, webhook_url: "${SLACK_SUPPORT}"}
routes:
  - {severity: critical, channels: support}
"""
    found = parse_file(text, "a.yaml")
    assert (found.rules, list(found.channels)) == ((), ["support"])
    assert [(one.name, one.phrases, one.confidence_below) for one in found.review] == [("promises", ("refund",), 0.4)]
    assert [route.channels for route in found.routes] == [("support",)]


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        (3, Limit(3)), (0.5, Limit(0.5)), ("5%", Limit(0.05)), ("2.5 x", Limit(2.5, "factor")),
        ("0.05 less", Limit(-0.05, "difference")), ("5% more", Limit(0.05, "difference")),
        ("3 more", Limit(3, "difference")),
    ],
)  # fmt: skip
def test_how_limits_are_written(written: object, limit: Limit) -> None:
    assert parse_limit(written) == limit


@pytest.mark.parametrize("written", ["3", "", "x", "2xx", "more", "5 % x", "-1", "1e3x", True, None, [3], math.inf])
def test_limits_that_are_none(written: object) -> None:
    with pytest.raises(ValueError, match="must be a number in the metric's unit"):
        parse_limit(written)


@pytest.mark.parametrize("window", ["15", "15s", "0m", "1.5h", "15 m", "", 15, None, "32d", "-1h", "1w"])
def test_windows_that_are_none(window: object) -> None:
    with pytest.raises(ValueError, match=r"must be (a time such as 15m|at most 31d)"):
        rule(window=window)


def test_every_metric_can_have_a_rule() -> None:
    for metric in (*METRICS.values(), *SYSTEM.values()):
        assert rule(metric=metric.name, above=0.5).definition is metric


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def read(**given: str) -> list[str]:
        return [rule.name for rule in load_file(driftline_settings.load({}, **given)).rules]

    assert read() == [rule.name for rule in default_rules()]
    (tmp_path / "alerts.yaml").write_text("defaults: false\n" + SLOW + "    above: 3\n")
    assert read() == ["slow"]
    (tmp_path / "mine.yaml").write_text("defaults: false\n")
    assert read(alerts_file="mine.yaml") == []
    with pytest.raises(SettingsError, match=r"other\.yaml does not exist; create it or correct the setting"):
        read(alerts_file="other.yaml")
    (tmp_path / "mine.yaml").write_bytes(b"rules: \xff")
    with pytest.raises(SettingsError, match=r"mine\.yaml is not UTF-8 text"):
        read(alerts_file="mine.yaml")
    with pytest.raises(SettingsError, match="cannot be read"):
        read(alerts_file=str(tmp_path))


def test_who_only_shows_rules_needs_no_secrets(tmp_path: Path) -> None:
    file = tmp_path / "alerts.yaml"
    channel = "channels: {a: {kind: slack, webhook_url: '${NOWHERE_SET}'}}\n"
    file.write_text(f"without: [slow answers]\nrules: [{{name: x, metric: requests, window: 1h, above: 1}}]\n{channel}")
    settings = driftline_settings.load({}, alerts_file=str(file))
    with pytest.raises(SettingsError, match="NOWHERE_SET"):
        load_file(settings)
    names = {rule.name for rule in load_rules(settings)}
    assert names == {rule.name for rule in default_rules()} - {"slow answers"} | {"x"}


def test_who_only_shows_rules_is_told_of_mistakes_in_them_and_of_unknown_keys(tmp_path: Path) -> None:
    file = tmp_path / "alerts.yaml"
    file.write_text("rules: [{name: x, metric: requests, window: 1h}]\nrule: []\n")
    with pytest.raises(SettingsError, match=r"rule 'x'(.|\n)*'rule' is unknown"):
        load_rules(driftline_settings.load({}, alerts_file=str(file)))


def test_the_page_shows_the_shipped_rules_and_its_examples_are_right() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert default_text() in blocks
    assert len(blocks) >= 3
    for block in blocks:
        assert parse_file(block, "docs")


def test_the_schema_and_the_reference_are_the_models_own() -> None:
    assert rules_schema.PATH.read_text(encoding="utf-8") == rules_schema.text(), (
        "write it again: python -m driftline_alerts.rules_schema"
    )
    assert rules_schema.reference() in DOCS.read_text(encoding="utf-8"), (
        "put this into docs/rules.md: python -m driftline_alerts.rules_schema --docs"
    )


def test_the_schema_takes_what_the_models_take() -> None:
    validator = jsonschema.Draft202012Validator(rules_schema.schema())
    assert list(validator.iter_errors(yaml.safe_load(default_text()))) == []
    right: dict[str, Any] = {"name": "x", "metric": "quality", "window": "1h", "below": "0.05 less", "for": "5m"}
    validator.validate({"rules": [right | {"baseline": "last week", "group_by": "feature"}]})
    for wrong in ({"metric": "qualty"}, {"window": "soon"}, {"below": "2y"}, {"group_by": "team"}, {"fro": "5m"}):
        assert not validator.is_valid({"rules": [right | wrong]}), wrong
