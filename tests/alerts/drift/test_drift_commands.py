"""``driftline monitors``, ``incidents`` and ``accept``, on what drift detection has saved."""

from __future__ import annotations

import json
import shlex
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from drift_world import World, flags, scores, segment
from driftline.errors import DriftlineError
from driftline_alerts.drift import fleet_state
from driftline_alerts.drift.finding import write
from driftline_alerts.drift.reading import actions
from driftline_alerts.drift.snapshots import Snapshot, save
from driftline_alerts.drift.telling import end_unknown, tell
from driftline_alerts.drift.tuning import DriftRule, Tuning
from driftline_alerts.transition import latest
from driftline_alerts.transition import write as write_steps
from driftline_cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_alerts.drift.finding import Finding
    from driftline_alerts.transition import Transition
    from driftline_store.client import Client

LEAF = segment("production", "support", "gpt", "answer", "5")


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    world.stream("quality", LEAF, scores(0.9), 100)
    world.stream("error_rate", LEAF, flags(0.02), 1000)
    world.pass_time(24)
    return world


@pytest.fixture(scope="module")
def finding(world: World) -> Finding:
    world.stream("quality", LEAF, scores(0.6), 100)
    return world.pass_time(6)[0]


def run(command: str, store_url: str) -> str:
    done = CliRunner(env={"COLUMNS": "250"}).invoke(app, [*shlex.split(command), "--store", store_url])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_monitors_say_what_they_promise(client: Client, store_url: str, world: World) -> None:
    save(client, Snapshot(1, {"fleet": fleet_state.dump(world.fleet)}))
    shown = run("monitors --metric quality --most 1", store_url)
    assert "1 of 4 streams" in shown
    assert "page wrongly at most 1 times in 30 days" in shown
    (one,) = json.loads(run("monitors --metric quality --most 1 --json", store_url))
    assert one["metric"] == "quality"
    assert one["level"] == pytest.approx(0.9, abs=0.02)
    assert one["contract"]["days"] > 0
    assert one["contract"]["tolerance"] == pytest.approx(0.1), "of scores, after the first day"


def test_monitors_promise_what_is_paged_by_the_rules_that_hold(
    client: Client, store_url: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tmp_path / "alerts.yaml"
    channels = "channels: {pager: {kind: slack, webhook_url: $A_SECRET_THAT_IS_NOT_HERE}}"
    rules.write_text(f"drift: [{{metrics: quality, min_change: 0.15}}]\n{channels}\n", encoding="utf-8")
    monkeypatch.setenv("DRIFTLINE_ALERTS_FILE", str(rules))
    save(client, Snapshot(1, {"fleet": fleet_state.dump(world.fleet)}))
    (one,) = json.loads(run("monitors --metric quality --most 1 --json", store_url))
    assert one["contract"]["size"] == 0.15
    few = World()
    few.stream("error_rate", LEAF, flags(0.02), 20)
    few.pass_time(24)
    for monitor in few.fleet.monitors.values():
        monitor.arrived, monitor.days = 7.0, 7.0
    save(client, Snapshot(2, {"fleet": fleet_state.dump(few.fleet)}))
    assert "reported, not paged" in run("monitors --metric error_rate --most 1", store_url)


def test_monitors_show_nothing_that_is_not_watched_and_its_part_of_the_budget_is_the_others(
    client: Client, store_url: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(client, Snapshot(1, {"fleet": fleet_state.dump(world.fleet)}))
    (before,) = json.loads(run("monitors --metric quality --most 1 --json", store_url))
    rules = tmp_path / "alerts.yaml"
    rules.write_text("drift: [{metrics: error_rate, watch: false}]\n", encoding="utf-8")
    monkeypatch.setenv("DRIFTLINE_ALERTS_FILE", str(rules))
    assert "nothing like that is watched" in run("monitors --metric error_rate", store_url)
    (after,) = json.loads(run("monitors --metric quality --most 1 --json", store_url))
    assert after["contract"]["false_a_month"] == pytest.approx(2 * before["contract"]["false_a_month"])


def test_a_metric_that_is_not_watched_is_refused_with_the_closest_one(client: Client, store_url: str) -> None:
    assert client
    with pytest.raises(DriftlineError, match="did you mean 'quality'"):
        run("monitors --metric qualty", store_url)


def test_monitors_of_a_detection_that_never_ran_say_how_to_start_it(client: Client, store_url: str) -> None:
    assert client
    with pytest.raises(DriftlineError, match="driftline alert"):
        run("monitors", store_url)


def test_an_incident_is_listed_and_accepted(client: Client, store_url: str, finding: Finding) -> None:
    write(client, finding)
    write(client, finding)
    shown = run("incidents --days 4000", store_url)
    assert shown.count(finding.headline) == 1, "told twice is stored once"
    assert f"{finding.incident}  {finding.at:%Y-%m-%d %H:%M} UTC  open" in shown
    run(f"accept {finding.incident}", store_url)
    assert [(one.kind, one.incident) for one in actions(client, 0)] == [("accept", finding.incident)]
    with pytest.raises(DriftlineError, match="did you mean"):
        run(f"accept {finding.incident[:-1]}x", store_url)
    write(client, finding.model_copy(update={"kind": "accepted"}))
    with pytest.raises(DriftlineError, match="is over"):
        run(f"accept {finding.incident}", store_url)


def test_a_time_to_learn_from_is_asked_for_unless_an_incident_lies_in_it(
    client: Client, store_url: str, finding: Finding
) -> None:
    write(client, finding)
    bad = f"--since {finding.started:%Y-%m-%dT%H:%M} --until {finding.at:%Y-%m-%dT%H:%M}"
    with pytest.raises(DriftlineError, match=f"incident {finding.incident} lies in that time"):
        run(f"learn {bad} --feature support", store_url)
    run(f"learn {bad} --feature search", store_url)
    run("learn --since 2026-10-01T00:00 --until 2026-10-08T00:00 --feature support --metric quality", store_url)
    other, good = actions(client, 0)
    assert (other.kind, other.segment, other.metric) == ("learn", (("feature", "search"),), "")
    assert (good.segment, good.metric, f"{good.since:%m-%d}") == ((("feature", "support"),), "quality", "10-01")
    with pytest.raises(DriftlineError, match="must end after it begins"):
        run("learn --since 2d --until 3d", store_url)


def test_what_is_found_has_the_severity_and_team_of_its_rule(client: Client, finding: Finding) -> None:
    tuning = Tuning((DriftRule(severity="warning", team="search", runbook="https://wiki.example/drift"),))
    tell(client, finding, tuning)
    detail = last_of(client, finding).detail
    assert (detail.severity, detail.team, detail.runbook) == ("warning", "search", "https://wiki.example/drift")


def test_an_alert_ends_although_somebody_acknowledged_it_after_what_ended_it_arrived(
    client: Client, finding: Finding
) -> None:
    finding = finding.model_copy(update={"incident": "acknowledged"})
    tell(client, finding, Tuning())
    fired = last_of(client, finding)
    write_steps(client, [fired.next("acknowledged", finding.at + timedelta(hours=2), actor="anna")])
    tell(client, finding.model_copy(update={"kind": "recovered", "at": finding.at + timedelta(hours=1)}), Tuning())
    over = last_of(client, finding)
    assert over.state == "resolved"
    assert over.at > finding.at + timedelta(hours=2)


def test_what_is_less_grave_is_said_beside_what_people_know_and_what_is_graver_takes_its_place(
    client: Client, finding: Finding
) -> None:
    quality = finding.model_copy(update={"incident": "both", "about": "output_length_p50"})
    lengths = {"metric": "output_length_p50", "instrument": "", "evaluator": "", "before": 23.0, "after": 16.0}
    shorter = quality.model_copy(update=lengths)

    tell(client, shorter, Tuning())
    first = last_of(client, quality)
    assert (first.metric, first.detail.severity) == ("output_length_p50", "warning")

    second = {"kind": "joined", "at": finding.at + timedelta(seconds=3), "joins": ("output_length_p50",)}
    tell(client, quality.model_copy(update=second), Tuning())
    joined = last_of(client, quality)
    assert (joined.metric, joined.detail.severity, joined.value) == ("quality", "critical", finding.after)
    assert joined.detail.beside == {"output_length_p50": shorter.headline}, "what people knew is not taken back"

    for minutes, after in ((3, 14.0), (6, 12.0)):
        third = {"kind": "grown", "at": finding.at + timedelta(minutes=minutes), "after": after}
        tell(client, shorter.model_copy(update=third | {"joins": ("output_length_p50", "quality")}), Tuning())
    tell(client, shorter.model_copy(update=third | {"joins": ("output_length_p50", "quality")}), Tuning())
    grown = last_of(client, quality)
    stored = "SELECT count() FROM alert_transitions WHERE incident = 'both'"
    assert client.query(stored).result_rows == [(4,)], "what is told again is told once"
    assert (grown.metric, grown.value, grown.detail.headline) == ("quality", finding.after, joined.detail.headline)
    shortest = shorter.model_copy(update={"after": 12.0}).headline
    assert grown.detail.beside == {"output_length_p50": shortest}
    assert grown.detail.remarks[-1] == f"Beside it: {shortest}."


def test_alerts_of_incidents_that_nobody_knows_any_more_end(client: Client, finding: Finding) -> None:
    finding = finding.model_copy(update={"incident": "unknown"})
    tell(client, finding, Tuning())
    now = finding.at + timedelta(days=1)
    end_unknown(client, {finding.incident}, now)
    assert last_of(client, finding).state == "firing"
    end_unknown(client, set(), now)
    over = last_of(client, finding)
    assert over.state == "resolved"
    assert "began anew" in over.detail.headline
    assert over.detail.facts == (("Was", finding.headline),)


def last_of(client: Client, finding: Finding) -> Transition:
    known = latest(client, finding.at).values()
    return next(one.last for one in known if one.last.incident == finding.incident)
