"""What an alert's state does when, and that no step is taken twice."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from alert_support import MINUTE, NOW, put_requests, rule
from driftline_alerts.evaluate import evaluate
from driftline_alerts.state import decide, latest, write
from driftline_alerts.worker import step

if TYPE_CHECKING:
    from driftline_store.client import Client

SLOW = rule(group_by="feature", description="Too slow.")


def states(client: Client) -> list[tuple[str, str]]:
    rows = client.query("SELECT segment, state FROM alert_transitions ORDER BY at").result_rows
    return [(segment.get("feature", ""), state) for segment, state in rows]


def test_firing_once_then_resolved_then_firing_anew(client: Client) -> None:
    put_requests(client, 9.0, 30, feature="chat")
    (fired,) = step(client, [SLOW], NOW)
    assert step(client, [SLOW], NOW + MINUTE) == []
    assert latest(client) == {fired.key: fired}
    assert (fired.started, fired.n, fired.threshold) == (NOW, 30, 3)
    later = NOW + timedelta(minutes=20)
    put_requests(client, 1.0, 30, at=later, feature="chat")
    (resolved,) = step(client, [SLOW], later + MINUTE)
    assert step(client, [SLOW], later + 2 * MINUTE) == []
    assert (resolved.state, resolved.started, resolved.at) == ("resolved", NOW, later + MINUTE)
    put_requests(client, 9.0, 300, at=later, feature="chat")
    (again,) = step(client, [SLOW], later + 3 * MINUTE)
    assert (again.state, again.started) == ("firing", later + 3 * MINUTE)
    assert len({fired.id, resolved.id, again.id}) == 3
    assert states(client) == [("chat", "firing"), ("chat", "resolved"), ("chat", "firing")]


def test_no_data_neither_fires_nor_resolves(client: Client) -> None:
    assert step(client, [SLOW, rule()], NOW) == []
    put_requests(client, 9.0, 30, feature="chat")
    assert len(step(client, [SLOW], NOW)) == 1
    gone = NOW + timedelta(hours=2)
    assert step(client, [SLOW], gone) == []
    put_requests(client, 1.0, 19, at=gone, feature="chat")  # right again, but too few to be believed
    assert step(client, [SLOW], gone + MINUTE) == []
    put_requests(client, 1.0, 1, at=gone, feature="chat")
    assert [change.state for change in step(client, [SLOW], gone + MINUTE)] == ["resolved"]


def test_segments_fire_apart(client: Client) -> None:
    for feature, seconds in (("chat", 9.0), ("search", 9.0), ("fast", 1.0), ('it\'s \\ "odd" {}', 9.0)):
        put_requests(client, seconds, 30, feature=feature)
    assert len(step(client, [SLOW], NOW)) == 3
    put_requests(client, 1.0, 3000, feature="search")
    (change,) = step(client, [SLOW], NOW + MINUTE)
    assert (change.segment, change.state) == ((("feature", "search"),), "resolved")
    assert {key[1][0][1] for key, state in latest(client).items() if state.state == "firing"} == {
        "chat",
        'it\'s \\ "odd" {}',
    }


def test_two_writers_on_the_same_state_write_one_row(client: Client) -> None:
    put_requests(client, 9.0, 30, feature="chat")
    for at in (NOW, NOW + timedelta(seconds=1)):  # both saw that nothing was firing yet
        write(client, decide(evaluate(client, [SLOW], at), [SLOW], {}, at))
    assert states(client) == [("chat", "firing")]


def test_a_write_that_is_repeated_is_stored_once(client: Client) -> None:
    put_requests(client, 9.0, 30, feature="chat")
    (change,) = step(client, [SLOW], NOW)
    write(client, [change, change])
    write(client, [replace(change, value=99.0)])
    assert latest(client)[change.key].value == change.value
    assert states(client) == [("chat", "firing")]


def test_a_clock_that_was_set_back_does_not_hide_the_latest_state(client: Client) -> None:
    put_requests(client, 9.0, 30, feature="chat")
    step(client, [SLOW], NOW)
    put_requests(client, 1.0, 3000, feature="chat", at=NOW - 2 * MINUTE)
    step(client, [SLOW], NOW - MINUTE)
    assert [transition.state for transition in latest(client).values()] == ["resolved"]
    assert step(client, [SLOW], NOW - MINUTE) == []


def test_an_alert_without_its_rule_ends(client: Client) -> None:
    put_requests(client, 9.0, 30, feature="chat", model="m")
    step(client, [SLOW, rule(name="other")], NOW)
    by_model = rule(group_by="model")
    changes = step(client, [by_model], NOW + MINUTE)
    fired, *ended = changes
    assert (fired.segment, fired.state) == ((("model", "m"),), "firing")
    assert {change.key for change in ended} == {("slow", (("feature", "chat"),)), ("other", ())}
    for change in ended:
        assert change.state == "resolved"
        assert "removed or changed" in change.detail.note
        assert math.isnan(change.value)
    assert step(client, [by_model], NOW + 2 * MINUTE) == []


def test_a_detail_of_somebody_else_does_no_harm(client: Client) -> None:
    columns = ["rule", "segment", "state", "at", "detail"]
    client.insert("alert_transitions", [["odd", {"model": "m"}, "firing", NOW, "by hand"]], column_names=columns)
    (change,) = step(client, [SLOW], NOW + MINUTE)
    assert (change.key, change.state) == (("odd", (("model", "m"),)), "resolved")
    assert change.detail.description == "by hand"


def test_what_was_stored_is_read_as_it_was(client: Client) -> None:
    put_requests(client, 9.0, 30, feature="chat")
    (change,) = step(client, [SLOW], NOW.replace(microsecond=123456))
    assert change.at.microsecond == 123000
    assert latest(client)[change.key] == change
    assert change.detail.description == "Too slow."
