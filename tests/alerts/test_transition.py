"""Steps of alerts in the store: each once, and read as they were written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from alert_support import MINUTE, NOW, put_requests, rule, step_of
from driftline_alerts.actions import Action, ask, said, silences
from driftline_alerts.outbox import read
from driftline_alerts.transition import Known, latest, write
from driftline_alerts.worker import step

if TYPE_CHECKING:
    from driftline_store.client import Client

SLOW = rule(group_by="feature", description="Too slow.")
LATER = NOW + timedelta(hours=1)


def test_a_rule_that_breaks_and_is_right_again_takes_each_step_once(client: Client) -> None:
    put_requests(client, 9.0, 30, feature="chat")
    (fired,) = step(client, [SLOW], NOW.replace(microsecond=123456))
    assert step(client, [SLOW], NOW + MINUTE) == []
    assert latest(client, NOW + MINUTE) == {fired.key: Known(fired)}, "it is read as it was written"
    assert (fired.at.microsecond, fired.detail.description) == (123000, "Too slow.")
    put_requests(client, 1.0, 3000, feature="chat")
    (over,) = step(client, [SLOW], NOW + 2 * MINUTE)
    assert latest(client, NOW + 3 * MINUTE) == {over.key: Known(over, (over.at,))}
    assert latest(client, NOW + timedelta(hours=7)) == {over.key: Known(over)}, "that it was over counts for six hours"


def test_a_step_that_is_written_again_is_stored_once(client: Client) -> None:
    one = step_of(feature="a")
    write(client, [one, one])
    write(client, [replace(one, value=99.0)])
    assert client.query("SELECT value FROM alert_transitions").result_rows == [(one.value,)]


def test_a_step_that_two_workers_wrote_beside_different_others_is_one(client: Client) -> None:
    first, second = step_of(feature="a"), step_of(feature="b")
    write(client, [first])
    write(client, [first, second])
    assert client.query("SELECT count() FROM alert_transitions").result_rows == [(3,)]
    assert set(latest(client, NOW)) == {first.key, second.key}
    (incident,) = read(client, NOW + MINUTE, "slack")
    assert [step.id for step in incident.steps] == sorted([first.id, second.id])


def test_a_row_of_another_version_does_no_harm(client: Client) -> None:
    columns = ["rule", "segment", "state", "at", "detail"]
    client.insert("alert_transitions", [["odd", {"model": "m"}, "firing", NOW, "by hand"]], column_names=columns)
    (over,) = step(client, [SLOW], NOW + MINUTE)
    assert (over.key, over.state) == (("odd", (("model", "m"),)), "resolved")
    assert over.detail.description == "by hand"
    assert over.incident


def test_somebody_acknowledges_an_incident(client: Client) -> None:
    put_requests(client, 9.0, 30, feature="chat")
    (fired,) = step(client, [SLOW], NOW)
    wanted = Action("acknowledge", "anna", incident=fired.incident, why="on it", at=NOW + MINUTE)
    for _ in range(2):
        ask(client, wanted)
    (seen,) = step(client, [SLOW], NOW + 2 * MINUTE)
    assert (seen.state, seen.actor, seen.why) == ("acknowledged", "anna", "on it")
    assert step(client, [SLOW], NOW + 3 * MINUTE) == []


def test_a_silence_holds_until_its_end_or_until_it_is_taken_back(client: Client) -> None:
    one = Action("silence", "anna", rule="slow", segment=(("feature", "a"),), until=LATER, at=NOW)
    other = Action("silence", "ben", incident="i", until=LATER, at=NOW)
    for action in (one, other, replace(one, until=NOW + MINUTE, at=NOW + MINUTE)):
        ask(client, action)
    known = said(client, NOW)
    assert one in known, "it is read as it was written"
    assert silences(client, NOW + 2 * MINUTE) == [other]
    assert silences(client, LATER) == []
