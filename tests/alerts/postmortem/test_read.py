"""What a post-mortem is made of is found in the store, by an incident's id, and written down by the command."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from alert_support import NOW, put
from driftline.errors import DriftlineError
from driftline_alerts import actions as alert_actions
from driftline_alerts.containment_hook import CHANNEL
from driftline_alerts.detail import Detail
from driftline_alerts.drift.events import told
from driftline_alerts.drift.events import write as write_events
from driftline_alerts.drift.evidence import Touched
from driftline_alerts.drift.finding import Finding, Pointer
from driftline_alerts.drift.finding import write as write_finding
from driftline_alerts.drift.reading import Action, ask
from driftline_alerts.postmortem.read import read
from driftline_alerts.transition import Transition, write
from driftline_cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client

MINUTE = timedelta(minutes=1)
SUPPORT = (("environment", "production"), ("feature", "support"))
BEGAN = NOW - timedelta(hours=1)


@pytest.fixture
def incidents(client: Client) -> Client:
    """One of a rule, over, and one of drift detection, open."""
    for table in ("alert_actions", "drift_actions", "drift_events"):
        client.command(f"TRUNCATE TABLE {table}")
    firing = transition("firing", 10)
    write(client, [firing, transition("resolved", 40)])
    write_finding(client, finding())
    write_events(
        client, [told("v5 is out", BEGAN, segment=SUPPORT), told("of others", BEGAN, segment=(("feature", "x"),))]
    )
    deliveries = [
        [firing.id, "support", False, "", firing.id, "", BEGAN + 10 * MINUTE],
        [firing.id, "support", False, "busy", firing.id, "", BEGAN + 11 * MINUTE],
        [firing.id, "support", False, "busy", firing.id, "", BEGAN + 12 * MINUTE],
        [firing.id, "support", True, "", firing.id, "", BEGAN + 13 * MINUTE],
        ["c1", CHANNEL, True, "", "support", "contained i1", BEGAN + 14 * MINUTE],
        ["c2", CHANNEL, True, "", "support", "contained i1x", BEGAN + 14 * MINUTE],
        ["c3", CHANNEL, True, "", "support", "released i1", BEGAN + 40 * MINUTE],
    ]
    columns = ["transition_id", "channel", "delivered", "error", "message", "reference", "at"]
    client.insert("alert_deliveries", deliveries, column_names=columns)
    silence = alert_actions.Action("silence", "ada", incident="i1", until=NOW, why="known", at=BEGAN + 20 * MINUTE)
    alert_actions.ask(client, silence)
    ask(client, Action("accept", "d1"), "bob")
    for minutes, errors in ((-30, 0), (30, 50)):
        put(client, BEGAN + minutes * MINUTE, requests=100, request_errors=errors, **dict(SUPPORT))
    return client


def transition(state: Any, minutes: int) -> Transition:
    return Transition(
        id=f"{state}1",
        incident="i1",
        rule="errors",
        segment=SUPPORT,
        state=state,
        at=BEGAN + minutes * MINUTE,
        started=BEGAN,
        metric="error_rate",
        value=0.5,
        threshold=0.05,
        n=100,
        detail=Detail(side="above", window_minutes=15),
    )


def finding() -> Finding:
    return Finding(
        incident="d1",
        at=BEGAN + 20 * MINUTE,
        kind="opened",
        metric="error_rate",
        segment=SUPPORT,
        place=SUPPORT,
        about="error_rate",
        falls=False,
        before=0.02,
        after=0.5,
        n=100,
        started=BEGAN,
        earliest=BEGAN,
        latest=BEGAN,
        examples=(Pointer(trace_id="t1", span_id="", at=BEGAN, value=None),),
    )


def test_all_of_an_incident_is_found_and_nothing_of_others(incidents: Client) -> None:
    of_rule = read(incidents, "i1", NOW)
    assert of_rule is not None
    assert [step.state for step in of_rule.steps] == ["firing", "resolved"]
    assert (of_rule.began, of_rule.until, of_rule.is_over) == (BEGAN, BEGAN + 40 * MINUTE, True)
    assert [(one.channel, one.what, one.error, one.times) for one in of_rule.attempts] == [
        ("support", "", "busy", 2),
        ("support", "", "", 1),
        (CHANNEL, "support contained", "", 1),
        (CHANNEL, "support released", "", 1),
    ]
    assert [(one.by, one.what, one.why) for one in of_rule.said] == [
        ("ada", f"silenced it until {NOW:%Y-%m-%d %H:%M} UTC", "known")
    ]
    assert [event.text for event in of_rule.events] == ["v5 is out"]
    (course,) = of_rule.courses
    assert course.limit == 0.05
    assert [value for _, value in course.points if value is not None] == [0.0, 0.5]
    assert of_rule.touched == Touched(100, 0, 0)
    of_drift = read(incidents, "d1", NOW)
    assert of_drift is not None
    assert (len(of_drift.findings), of_drift.steps, of_drift.is_over) == (1, (), False)
    assert [(one.by, one.what) for one in of_drift.said] == [("bob", "asked to accept it")]
    assert [(one.trace_id, one.metric, one.answered) for one in of_drift.examples] == [("t1", "error_rate", "")]
    assert read(incidents, "i2", NOW) is None


def test_the_command_prints_a_page_or_writes_a_new_file(client: Client, store_url: str, tmp_path: Path) -> None:
    with pytest.raises(DriftlineError, match="'i1' is unknown; there is none"):
        run("incident i1", store_url)
    write(client, [transition("firing", 10)])
    assert run("incident i1", store_url).startswith("# Incident i1: errors, environment production, feature support\n")
    with pytest.raises(DriftlineError, match="'i2' is unknown; known are: i1"):
        run("incident i2", store_url)
    page = tmp_path / "i1.md"
    run(f"incident i1 --out {page}", store_url)
    assert "## Timeline" in page.read_text(encoding="utf-8")
    with pytest.raises(DriftlineError, match="exists already"):
        run(f"incident i1 --out {page}", store_url)
    with pytest.raises(DriftlineError, match="cannot be written"):
        run(f"incident i1 --out {tmp_path / 'no' / 'i1.md'}", store_url)


def run(command: str, store_url: str) -> str:
    done = CliRunner().invoke(app, [*shlex.split(command), "--store", store_url])
    if done.exception is not None:
        raise done.exception
    return done.stdout
