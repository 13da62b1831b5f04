"""What rules would have done, over made readings."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest
from typer.testing import CliRunner

from alert_support import MINUTE, NOW, put_requests, rule
from driftline.errors import DriftlineError
from driftline_alerts import preview as module
from driftline_alerts.evaluate import judge
from driftline_alerts.preview import Episode, moments, replay
from driftline_alerts.preview_lines import LEGEND
from driftline_cli.app import app
from driftline_cli.rules_text import print_json, print_preview
from driftline_store.metrics import METRICS
from driftline_store.metrics_query import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from driftline_alerts.readings import Asked
    from driftline_alerts.rule import Rule
    from driftline_store.client import Client

HOUR = timedelta(hours=1)
BEGAN = NOW - 12 * HOUR


def watch(monkeypatch: pytest.MonkeyPatch, one: Rule, values: Sequence[float | None]) -> list[Episode]:
    """What a rule does with an hourly value."""
    hours = [BEGAN + HOUR * number for number in range(len(values))]

    def evaluate(_: object, rules: Sequence[Rule], now: datetime) -> Any:
        def read(asked: Asked) -> Any:
            value = values[hours.index(now)]
            return {(): Reading(METRICS["latency_p95"], value, 0 if value is None else 50, None, None, asked.span)}

        return judge(rules[0], now, read)

    monkeypatch.setattr(module, "evaluate", evaluate)
    told: list[datetime] = []
    found = replay(MagicMock(), [one], hours, told.append)
    assert told == hours
    return found


def hours(episode: Episode) -> tuple[int | None, ...]:
    """When it began, fired and ended, in hours."""
    at = (episode.began, episode.fired, episode.ended)
    return tuple(None if one is None else round((one - BEGAN) / HOUR) for one in at)


def test_an_alert_fires_and_is_over_as_in_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    found = watch(monkeypatch, rule(critical=9), [1, 4, 4, None, 10, 4, 1, 1])
    assert [(hours(one), one.severity, one.value, one.threshold, one.n) for one in found] == [
        ((1, 1, 6), "critical", 4, 3, 50)
    ]


def test_what_did_not_last_and_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    found = watch(monkeypatch, rule(**{"for": "2h"}), [4, 4, 1, 1, 4, 4, 4, 4])
    assert [hours(one) for one in found] == [(0, None, 2), (4, 6, None)]
    assert [one.severity for one in found] == ["warning", "warning"]


def test_moments_end_with_the_present() -> None:
    assert moments(NOW - HOUR, NOW, 20 * MINUTE) == [NOW - 40 * MINUTE, NOW - 20 * MINUTE, NOW]


SHOP = (("service", "shop"),)
EPISODES = [
    Episode("quiet", SHOP, BEGAN + 3 * HOUR, None, BEGAN + 6 * HOUR, "warning", 4.0, 3.0, 50),
    Episode("slow", SHOP, BEGAN, BEGAN, BEGAN + 3 * HOUR, "warning", 4.0, 3.0, 50),
    Episode("slow", SHOP, BEGAN + 6 * HOUR, BEGAN + 9 * HOUR, None, "critical", 7.0, 3.0, 50),
]


def test_people_see_a_line_of_time(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    print_preview(EPISODES, [rule(), rule(name="quiet"), rule(name="never")], BEGAN, NOW, ["dead letters"])
    head, quiet, slow, *rest = capsys.readouterr().out.splitlines()
    assert "01 Mar 00:00 to 01 Mar 12:00 UTC" in head
    line = "·" * 14 + "░" * 14 + "·" * 28
    assert quiet.split() == ["quiet", "shop", "0", "0", "min", line, "4.00", "s", "against", "3.00", "s"]
    assert slow.split()[:6] == ["slow", "shop", "2", "6", "h", "00"]
    assert "█" * 14 + "·" * 14 + "░" * 14 + "!" * 14 in slow
    assert "7.00 s against 3.00 s" in slow
    assert rest == [
        LEGEND, "would not have fired: quiet, never",
        "about Driftline itself, whose past is not stored: dead letters",
    ]  # fmt: skip


def test_programs_get_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(EPISODES, BEGAN, NOW, HOUR, ["dead letters"])
    found = json.loads(capsys.readouterr().out)
    assert [(one["rule"], one["fired"], one["firing_minutes"]) for one in found["alerts"]] == [
        ("quiet", 0, 0), ("slow", 2, 360),
    ]  # fmt: skip
    assert found["alerts"][1]["segment"] == {"service": "shop"}
    assert found["alerts"][1]["episodes"][1]["ended"] is None
    assert (found["every_minutes"], found["left_out"]) == (60, ["dead letters"])


def test_what_is_stored_is_looked_at_again(client: Client, store_url: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    put_requests(client, 9.0, 30, at=now - 3 * HOUR, feature="chat")
    put_requests(client, 1.0, 30, at=now - HOUR - MINUTE, feature="chat")
    file = tmp_path / "mine.yaml"
    one = "{name: slow, metric: latency_p95, window: 2h, above: 3, group_by: feature}"
    file.write_text(f"defaults: false\nrules: [{one}]\n")
    command = ["rules", "preview", str(file), "--days", "1", "--every", "1h", "--store", store_url]
    result = CliRunner().invoke(app, [*command, "--json"], catch_exceptions=False)
    (alert,) = json.loads(result.stdout)["alerts"]
    assert (alert["rule"], alert["segment"], alert["fired"]) == ("slow", {"feature": "chat"}, 1)
    assert alert["episodes"][0]["value"] == pytest.approx(9, rel=0.02)
    assert alert["episodes"][0]["ended"] is not None
    with pytest.raises(DriftlineError, match="no rule is named 'fast'"):
        CliRunner().invoke(app, [*command, "--rule", "fast"], catch_exceptions=False)
