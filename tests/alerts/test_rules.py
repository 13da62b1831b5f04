"""alerts.yaml: what is understood, and what is said about what is not."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from pathlib import Path

import pytest

from alert_support import rule
from driftline import settings as driftline_settings
from driftline.errors import SettingsError
from driftline_alerts.limit import Limit, parse_limit
from driftline_alerts.rule import Rule
from driftline_alerts.rules import default_rules, default_text, load_rules, parse_rules
from driftline_store.metrics import METRICS

DOCS = Path(__file__).parents[2] / "docs" / "alerts.md"


def test_the_shipped_rules_cover_what_was_promised() -> None:
    rules = {rule.metric: rule for rule in default_rules()}
    assert rules["latency_p95"].above == Limit(3)
    assert rules["latency_p95"].window == timedelta(minutes=15)
    assert rules["quality"].below == Limit(0.85)
    assert (rules["quality"].window, rules["quality"].min_n) == (timedelta(hours=24), 100)
    assert rules["error_rate"].above == Limit(0.05)
    assert rules["cost_per_request"].above == Limit(2, "factor")
    assert rules["cost_per_request"].baseline == timedelta(hours=24)
    assert {"fallback_rate", "satisfaction", "spend"} <= set(rules)


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
    (found,) = parse_rules(text, "alerts.yaml")
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

MISTAKES = {
    "": "alerts.yaml is empty; write 'rules: []'",
    "rules:\n  - name: [": "alerts.yaml line 2 is not valid YAML: ",
    "a: \tb: c": "is not valid YAML",
    "rules:\n  - a: \x00": "is not valid YAML: unacceptable character",
    "- name: slow": "alerts.yaml line 1: expected 'rules:' with a list of rules under it",
    "rules: slow": "alerts.yaml line 1: expected 'rules:'",
    "rules: []\nrule: []": "alerts.yaml line 2: 'rule' is unknown; only 'rules' stands here",
    "rules:\n  - slow": "alerts.yaml line 2: a rule must be a list of 'key: value' pairs",
    "rules:\n  - metric: requests": "alerts.yaml line 2: a rule without a name: 'name' is missing",
    "rules:\n  - name: x\n    metric: qualty\n    window: 1h\n    below: 0.5":
        "alerts.yaml line 3: rule 'x': metric 'qualty' is unknown; did you mean 'quality'?",
    SLOW + "    abov: 3": "line 5: rule 'slow': 'abov' is unknown; did you mean 'above'?",
    SLOW: "line 2: rule 'slow': needs exactly one of 'above' and 'below'",
    SLOW + "    above: 3\n    below: 1": "rule 'slow': needs exactly one of 'above' and 'below'",
    SLOW + "    above: fast":
        "line 5: rule 'slow': 'above' must be a number in the metric's unit, a share such as 5%",
    SLOW + "    above: 5%": "line 5: rule 'slow': has a limit in percent, but 'latency_p95' is in s",
    SLOW + "    above: 5% more\n    baseline: 24h": "'latency_p95' is in s; compared with before, write 1.05x",
    SLOW + "    above: 3 less\n    baseline: 24h": "needs a difference with 'more' behind 'above', with 'less' behind",
    SLOW + "    above: 3\n    critical: 3": "has 'critical' on the wrong side of 'above': it must be more than that",
    SLOW + "    above: 3\n    recover: 4": "has 'recover' on the wrong side of 'above': it must be less than that",
    SLOW + "    below: 3\n    recover: 2": "has 'recover' on the wrong side of 'below': it must be more than that",
    SLOW + "    above: 2x\n    baseline: 24h\n    critical: 9": "needs limits of one kind",
    SLOW + "    above: 3\n    critical: 4\n    severity: critical": "has 'critical' although its severity is critical",
    SLOW + "    above: 2x\n    baseline: yesterday":
        "line 6: rule 'slow': 'baseline' must be a time such as 24h, 'last week' or 'other version', not 'yesterday'",
    SLOW + "    above: 2x\n    baseline: 32d": "line 6: rule 'slow': 'baseline' must be at most 31d",
    SLOW + "    above: 2x\n    baseline: other version": "needs 'prompt_version' in 'group_by'",
    "rules:\n  - {name: w, metric: requests, window: 8d, above: 2x, baseline: last week}":
        "compares windows that overlap; with 'last week' make 'window' at most 7d",
    "rules:\n  - {name: v, metric: spend, window: 1d, above: 2x, baseline: other version, group_by: prompt_version}":
        "compares 'spend' of two versions, which depends on how often each is used",
    SLOW + "    above: 3\n    for: 0m": "line 6: rule 'slow': 'for' must be a time such as 15m",
    SLOW + "    above: 3\n    for_: 5m": "line 6: rule 'slow': 'for_' is unknown; did you mean 'for'?",
    SLOW + "    above: 3\n    no_data: ignore": "line 6: rule 'slow': 'no_data' is 'ignore': input should be 'keep'",
    SLOW + "    above: 3\n    runbook: http://wiki/slow": "line 6: rule 'slow': 'runbook' is 'http://wiki/slow'",
    SLOW + "    above: .nan": "line 5: rule 'slow': 'above' must be a number",
    SLOW + "    above: true": "line 5: rule 'slow': 'above' must be a number",
    SLOW + "    above: 2x": "line 5: rule 'slow': needs 'baseline' (such as 24h) with a factor such as 2x",
    SLOW + "    above: 3\n    baseline: 24h": "needs 'baseline' (such as 24h) with a factor",
    SLOW + "    above: 0x\n    baseline: 24h": "must have a factor above 0x",
    SLOW + "    above: 3\n    above: 4": "line 6: rule 'slow': 'above' stands there twice; remove one",
    SLOW + "    above: 3\n    min_n: -1":
        "line 6: rule 'slow': 'min_n' is -1: input should be greater than or equal to 0",
    SLOW + "    above: 3\n    min_n: many":
        "line 6: rule 'slow': 'min_n' is 'many': input should be a valid integer",
    SLOW + "    above: 3\n    severity: bad":
        "line 6: rule 'slow': 'severity' is 'bad': input should be 'info', 'warning'",
    SLOW + "    above: 3\n    group_by: modell":
        "line 6: rule 'slow': dimension 'modell' is unknown; did you mean 'model'?",
    SLOW + "    above: 3\n    group_by: {a: b}":
        "line 6: rule 'slow': 'group_by' must be a list of dimensions",
    SLOW + "    above: 3\n    where: {team: a}": "line 6: rule 'slow': dimension 'team' is unknown",
    SLOW + "    above: 3\n    where: {prompt_version: 1.10}":
        "line 6: rule 'slow': 'where' needs quotes around the value of prompt_version: 1.1 is not text",
    SLOW + "    above: 3\n    where: checkout": "line 6: rule 'slow': 'where' must map dimensions to values",
    SLOW + "    above: 3\n    group_by: model\n    where: {model: a}":
        "names 'model' in both 'where' and 'group_by'",
    SLOW + "    above: 3\n    description: 2026-13-45": "rule 'slow': month must be in 1..12",
    SLOW + "    above: 3\n    ? [a]\n    : b": "line 6: rule 'slow': a key must be a word",
    SLOW + "    above: 3\n    description: !!python/object:os.system x":
        "line 6: rule 'slow': could not determine a constr",
    SLOW + "    above: 3\n  - name: slow\n    metric: calls\n    window: 1h\n    above: 3":
        "alerts.yaml line 6: two rules are named 'slow'; rename one",
    "rules:\n  - name: e\n    metric: error_rate\n    window: 1h\n    above: 5":
        "line 5: rule 'e': has a limit of 5, but 'error_rate' lies between 0 and 1; did you mean 5.0%?",
    "rules:\n  - name: u\n    metric: users\n    window: 1h\n    below: 0.5x\n    baseline: 24h":
        "line 5: rule 'u': compares the distinct count 'users' over unequal times; make 'baseline' as long",
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), MISTAKES.items())
def test_mistakes_are_told_with_file_line_and_remedy(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        parse_rules(text, "alerts.yaml")
    assert "\n" not in str(caught.value)


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
    for metric in METRICS.values():
        assert rule(metric=metric.name, above=0.5).definition is metric


def test_which_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def read(**given: str) -> list[str]:
        return [rule.name for rule in load_rules(driftline_settings.load({}, **given))]

    assert read() == [rule.name for rule in default_rules()]
    (tmp_path / "alerts.yaml").write_text(SLOW + "    above: 3\n")
    assert read() == ["slow"]
    (tmp_path / "mine.yaml").write_text("rules: []\n")
    assert read(alerts_file="mine.yaml") == []
    with pytest.raises(SettingsError, match=r"other\.yaml does not exist; create it or correct the setting"):
        read(alerts_file="other.yaml")
    (tmp_path / "mine.yaml").write_bytes(b"rules: \xff")
    with pytest.raises(SettingsError, match=r"mine\.yaml is not UTF-8 text"):
        read(alerts_file="mine.yaml")
    with pytest.raises(SettingsError, match="cannot be read"):
        read(alerts_file=str(tmp_path))


def test_the_page_shows_the_shipped_rules_and_its_examples_are_right() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert default_text() in blocks
    assert len(blocks) >= 3
    for block in blocks:
        assert parse_rules(block, "docs")
