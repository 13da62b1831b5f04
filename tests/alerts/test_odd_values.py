"""alerts.yaml with something odd in any of its places: always a mistake with its place, or understood."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from driftline.errors import SettingsError
from driftline_alerts.alerts_file import AlertsFile, parse_file
from driftline_alerts.channels import CONFIGS
from driftline_alerts.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

ODD: Final[tuple[Any, ...]] = (None, True, 7, -0.5, "", "?", [], {}, ["a"], [[]], {"a": "b"}, {1: 2}, [{"a": 1}])
WHOLE = """
defaults: true
without: [daily spend]
rules:
  - name: errors
    metric: error_rate
    window: 2h
    above: 2.5%
    min_n: 40
    group_by: [prompt_version, model]
    where: {feature: checkout}
    critical: 10%
    recover: 1%
    for: 10m
    no_data: resolve
    severity: warning
    team: payments
    runbook: https://wiki.example.com/errors
    description: Look at the provider's status page.
  - {name: fallen, metric: quality, window: 1h, below: 0.05 less, baseline: last week}
drift:
  - {metrics: [quality], where: {feature: checkout}, tolerance: 1%, min_change: 0.03, severity: critical, team: a}
review:
  - {name: promises, phrases: [refund], confidence_below: 40%, where: {feature: support}, per_hour: 5}
channels:
  support: {kind: slack, webhook_url: "${SLACK}"}
  hook: {kind: webhook, url: "https://example.com/in", secret: "${SECRET}"}
  pager: {kind: pagerduty, routing_key: "${KEY}"}
  post: {kind: email, host: mail.example.com, from: a@example.com, to: [b@example.com], security: none}
routes:
  - severity: [critical]
    team: payments
    where: {feature: checkout}
    channels: [support]
    quiet: "22:00-07:00"
    timezone: Europe/Berlin
    cooldown: 10m
    escalate: {after: 30m, channels: [pager]}
containment:
  features: [checkout]
  rules: [errors]
  severity: critical
"""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK", "https://hooks.example.com/services/x")
    monkeypatch.setenv("SECRET", "0123456789012345678901234567890123456789")
    monkeypatch.setenv("KEY", "0123456789abcdef0123456789abcdef")


def places(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place that has a value."""
    pairs: Any = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield (*path, key)
        yield from places(value, (*path, key))


def with_value(tree: Any, path: tuple[str | int, ...], value: object) -> Any:
    changed = copy.deepcopy(tree)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return changed


def mistakes(text: str) -> str:
    try:
        parse_file(text, "a.yaml")
    except SettingsError as error:
        return str(error)
    return ""


def test_the_whole_file_is_right_and_has_every_key_of_the_file_and_of_a_rule() -> None:
    tree = yaml.safe_load(WHOLE)
    assert parse_file(WHOLE, "a.yaml")
    assert set(tree) == set(AlertsFile.model_fields)
    written = {key for rule in tree["rules"] for key in rule}
    assert written == {field.alias or name for name, field in Rule.model_fields.items()} | {"above"}
    assert {channel["kind"] for channel in tree["channels"].values()} == set(CONFIGS)


@pytest.mark.parametrize("path", list(places(yaml.safe_load(WHOLE))), ids=str)
def test_anything_anywhere_is_understood_or_a_mistake_with_its_place(path: tuple[str | int, ...]) -> None:
    tree = yaml.safe_load(WHOLE)
    for odd in ODD:
        text = yaml.safe_dump(with_value(tree, path, odd), sort_keys=False)
        assert re.fullmatch(r"|(?s:a\.yaml line \d+, column \d+: .+)", mistakes(text)), (odd, mistakes(text))
