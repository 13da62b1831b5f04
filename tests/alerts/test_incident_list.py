"""``driftline incidents``: those of rules beside those of drift detection."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from alert_support import MINUTE, step_of
from driftline.errors import DriftlineError
from driftline_alerts.drift.finding import Finding
from driftline_alerts.drift.finding import write as write_finding
from driftline_alerts.rule import DRIFT
from driftline_alerts.transition import Transition, write
from driftline_cli.app import app

if TYPE_CHECKING:
    from driftline_alerts.transition import State
    from driftline_store.client import Client

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def step(incident: str, feature: str, state: State, ago: timedelta, **values: Any) -> Transition:
    at = NOW - ago
    changes: dict[str, Any] = {"incident": incident, "started": at} | values
    return replace(step_of(feature=feature, state=state, at=at), **changes)


def run(command: str, store_url: str) -> str:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*shlex.split(command), "--store", store_url])
    if done.exception is not None:
        raise done.exception
    return done.stdout


def listed(store_url: str) -> dict[str, dict[str, Any]]:
    return {one["incident"]: one for one in json.loads(run("incidents --json", store_url))}


def test_incidents_of_rules_are_listed_with_state_since_where_and_headline(client: Client, store_url: str) -> None:
    write(client, [step("i1", "support", "firing", DAY), step("i2", "search", "firing", 2 * DAY)])
    write(client, [step("i2", "search", "resolved", 2 * DAY - MINUTE, started=NOW - 2 * DAY, value=1.0)])
    assert run("incidents", store_url).splitlines() == [
        f"i1  {NOW - DAY:%Y-%m-%d %H:%M} UTC  open  feature support",
        "  Latency p95 of feature support is 9.00 s, above 3.00 s.",
        f"i2  {NOW - 2 * DAY:%Y-%m-%d %H:%M} UTC  over  feature search",
        "  Latency p95 of feature search is 1.00 s, no longer above 3.00 s.",
    ]
    assert listed(store_url)["i1"] == {
        "incident": "i1",
        "state": "open",
        "since": (NOW - DAY).isoformat(),
        "where": "feature support",
        "segments": [{"feature": "support"}],
        "rule": "slow",
        "headline": "Latency p95 of feature support is 9.00 s, above 3.00 s",
        "findings": [],
    }


def test_what_is_open_is_listed_however_old_and_what_is_over_only_of_the_time(client: Client, store_url: str) -> None:
    old, older = 40 * DAY, 41 * DAY
    write(client, [step("open", "a", "firing", old), step("over", "b", "firing", older)])
    write(client, [step("over", "b", "resolved", old), step("never", "c", "pending", DAY)])
    assert list(listed(store_url)) == ["open"]


def test_an_incident_in_several_places_is_one_and_acknowledged_once_all_of_it_is(
    client: Client, store_url: str
) -> None:
    write(client, [step("i", "a", "acknowledged", DAY), step("i", "b", "firing", DAY), step("i", "c", "pending", DAY)])
    one = listed(store_url)["i"]
    assert (one["state"], one["where"], len(one["segments"])) == ("open", "2 segments", 2)
    assert one["headline"].startswith("Latency p95 of 2 segments is")
    write(client, [step("i", "b", "acknowledged", DAY - MINUTE)])
    assert listed(store_url)["i"]["state"] == "acknowledged"


def test_what_drift_detection_found_is_listed_once_and_says_who_looks_after_it(client: Client, store_url: str) -> None:
    at = NOW - DAY
    place = (("feature", "support"),)
    finding = Finding(
        incident="d1", at=at, kind="opened", metric="error_rate", segment=place, place=place, about="error_rate",
        falls=False, before=0.02, after=0.5, n=100, started=at, earliest=at, latest=at,
    )  # fmt: skip
    write_finding(client, finding)
    assert listed(store_url)["d1"]["state"] == "open"
    write(client, [step("d1", "support", "acknowledged", DAY, rule=f"{DRIFT}d1")])
    assert f"d1  {at:%Y-%m-%d %H:%M} UTC  acknowledged  feature support" in run("incidents", store_url)
    write(client, [step("d1", "support", "firing", DAY)])
    (one,) = listed(store_url).values()
    assert (one["rule"], one["headline"], len(one["findings"])) == ("", finding.headline, 1), "a rule that says so too"
    assert one["state"] == "open", "as of the rule's alert nobody has taken notice"


def test_of_driftline_itself_it_is_said_that_it_is(client: Client, store_url: str) -> None:
    write(client, [replace(step_of(at=NOW), incident="i", rule="dead letters", metric="dead_letters", threshold=0.0)])
    assert "open  Driftline itself\n  Dead letters: 9, above 0." in run("incidents", store_url)


def test_a_rules_incident_is_not_accepted_and_that_is_said(client: Client, store_url: str) -> None:
    write(client, [step("i", "support", "firing", DAY)])
    with pytest.raises(DriftlineError, match="incident 'i': its level cannot be taken for the new normal"):
        run("accept i", store_url)
