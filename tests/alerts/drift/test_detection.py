"""Drift detection as a whole: what arrives becomes findings and alerts, once, whoever is killed in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from drift_support import LEAF, MINUTE, SUPPORT, T0, arrive, put
from driftline.errors import StoreError
from driftline_alerts.drift import detection as module
from driftline_alerts.drift import volumes
from driftline_alerts.drift.closer_look import TIMES, look_closer
from driftline_alerts.drift.detection import Detection
from driftline_alerts.drift.events import told, write
from driftline_alerts.drift.finding import findings
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.incidents import Incidents
from driftline_alerts.drift.lifecycle import turns
from driftline_alerts.drift.reading import Action, ask, look_back
from driftline_alerts.drift.stream import ANCHORS, Part, StreamKey
from driftline_alerts.drift.tuning import USUAL, DriftRule, Tuning
from driftline_processors.dictionaries import JUDGE_PLAN, JUDGE_RAISED
from driftline_processors.judge.plan import Sampled, put_plan, raise_rates

if TYPE_CHECKING:
    from driftline_alerts.drift.finding import Finding
    from driftline_store.client import Client

HOUR = timedelta(hours=1)
ERRORS = (StreamKey("error_rate", "", LEAF), False)
JUDGED = StreamKey("quality", "f1", LEAF, "quality")
ANCHORED = StreamKey("quality", "f1", ANCHORS, "quality")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
NO_STAGING = Tuning((DriftRule(where={"environment": "staging"}, watch=False),))


@pytest.fixture
def client(client: Client) -> Client:
    for table in ("drift_findings", "drift_actions", "alert_transitions", "judge_rates"):
        client.command(f"TRUNCATE TABLE {table}")
    return client


def at(minutes: float) -> datetime:
    return T0 + minutes * MINUTE


def requests(n: int, errors: int, minutes: float = 0, **segment: str) -> dict[str, Any]:
    """Sums of a minute, by arrival and by the time of the requests."""
    return {"at": at(minutes), "requests": n, "request_errors": errors, **segment}


def come(client: Client, *rows: dict[str, Any]) -> None:
    names = ("arrival", "minute")
    arrive(client, [{**row, "resolution": name} for row in rows for name in names])


def opened(client: Client, minutes: float = 0, tuning: Tuning = USUAL) -> Detection:
    found = Detection.open(client, at(minutes), budget=1.0, warm_up=0.0, may_go_on=lambda: True, tuning=tuning)
    assert found is not None
    return found


def watching(client: Client) -> Detection:
    """With a baseline of 2 % errors of the last three hours."""
    come(client, *(requests(2000, 40, -60 * hours) for hours in (3, 2, 1)))
    return opened(client)


def alerts(client: Client) -> list[tuple[Any, ...]]:
    rows = client.query("SELECT rule, state, metric FROM alert_transitions ORDER BY at, state").result_rows
    return [tuple(row) for row in rows]


def found_drop(client: Client, detection: Detection) -> Finding:
    come(client, requests(1000, 200))
    (finding,) = detection.step(client, at(1))
    return finding


def test_a_change_is_told_once_with_all_that_belongs_to_it(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    detection = watching(client)
    write(client, [told("deploy of 7", at(-1), segment=LEAF[:2])])
    trace = {"is_first": True, "is_error": True, "error_class": "timeout", "start": at(0.2), **SUPPORT}
    put(client, "llm_traces", [{**trace, "trace_id": f"t{number}"} for number in range(5)])
    come(client, requests(1000, 200))

    def killed(*_: object) -> None:
        raise StoreError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(module, "tell", killed)
        with pytest.raises(StoreError):
            detection.step(client, at(1))
    assert findings(client, at(-1)) == []
    # Somebody else goes on from what was saved.
    detection = opened(client, 2)
    (finding,) = detection.step(client, at(2))
    assert detection.step(client, at(3)) == []
    assert findings(client, at(-1)) == [finding]
    assert alerts(client) == [(f"drift: error rate ({finding.incident})", "firing", "error_rate")]
    assert (finding.kind, finding.segment) == ("opened", LEAF)
    assert finding.before == pytest.approx(0.02, abs=0.002)
    assert finding.n == 1000
    assert finding.after == pytest.approx(0.2)
    assert finding.low == pytest.approx(0.17, abs=0.02)
    assert finding.touched[0] == 1000
    assert "deploy of 7" in finding.changed[0]
    assert len(finding.examples) == 3
    assert "timeout" not in finding.model_dump_json(include={"examples"}), "what was said is kept with its span alone"


def test_what_was_saved_goes_on_exactly_where_it_was(client: Client) -> None:
    detection = watching(client)
    come(client, requests(300, 9))
    detection.step(client, at(0.5))
    detection.save(client)
    other = opened(client, 0.6)
    come(client, requests(300, 12, 1))
    for one in (detection, other):
        one.step(client, at(1.5))
    assert list(detection.fleet.monitors) == list(other.fleet.monitors)
    mine, its = ({name: one.suspicion for name, one in of.fleet.monitors.items()} for of in (detection, other))
    assert mine == pytest.approx(its, abs=1e-9, rel=1e-9)
    assert mine[ERRORS] > 0
    assert detection.shares == pytest.approx(other.shares)


def test_who_may_not_go_on_leaves_what_was_found_to_be_told(client: Client) -> None:
    detection = watching(client)
    come(client, requests(1000, 200))
    may = iter([True])
    assert detection.step(client, at(1), lambda: next(may, False)) == []
    assert findings(client, at(-1)) == []
    (finding,) = opened(client, 2).step(client, at(2))
    assert finding.metric == "error_rate"


def test_a_time_to_learn_from_is_taken_by_the_next_one_where_this_one_may_not_go_on(client: Client) -> None:
    detection = watching(client)
    ask(client, Action("learn", since=at(-200), until=at(-10)), "somebody")
    may = iter([True])
    detection.step(client, at(1), lambda: next(may, False))
    detection.save(client)
    assert not any(one.pinned for one in detection.fleet.monitors.values())
    other = opened(client, 2)
    other.step(client, at(2))
    assert any(one.pinned for one in other.fleet.monitors.values())


def test_the_alert_ends_when_the_level_is_back(client: Client) -> None:
    detection = watching(client)
    finding = found_drop(client, detection)
    come(client, *(requests(1500, 30, minutes) for minutes in (10, 11, 12)))
    (over,) = detection.step(client, at(13))
    assert (over.kind, over.incident, over.metric) == ("recovered", finding.incident, "error_rate")
    assert over.after == pytest.approx(0.02, abs=0.005)
    assert [state for _, state, _ in alerts(client)] == ["firing", "resolved"]
    assert not any(one.alarm for one in detection.fleet.monitors.values())


def test_what_people_ask_for_is_done_also_when_the_store_was_away_half_way(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    detection = watching(client)
    finding = found_drop(client, detection)
    ask(client, Action("accept", finding.incident), "somebody")

    def away(*_: object) -> dict[int, int]:
        raise StoreError("away")

    with monkeypatch.context() as patch:
        patch.setattr(module, "look_back", away)
        with pytest.raises(StoreError):
            detection.step(client, at(2))
    (over,) = detection.step(client, at(3))
    assert over.kind == "accepted"


def test_anchors_are_in_no_sums_that_could_be_looked_back_at(client: Client) -> None:
    assert look_back(client, ANCHORED, 0, T0.timestamp()) == {}


def test_an_accepted_level_is_the_new_baseline(client: Client) -> None:
    detection = watching(client)
    finding = found_drop(client, detection)
    ask(client, Action("accept", finding.incident), "somebody")
    (over,) = detection.step(client, at(2))
    assert (over.kind, over.after) == ("accepted", finding.after)
    assert [state for _, state, _ in alerts(client)] == ["firing", "resolved"]
    come(client, *(requests(1500, 300, minutes) for minutes in (10, 20)))
    assert detection.step(client, at(11)) == []
    assert detection.step(client, at(21)) == []
    monitor = detection.fleet.monitors[ERRORS]
    assert monitor.alarm is None
    assert monitor.panel[0].detector.mean == pytest.approx(0.2, abs=0.01)


def test_a_new_version_is_measured_by_the_one_before_with_a_head_start(client: Client) -> None:
    detection = watching(client)
    come(client, requests(5000, 100))
    detection.step(client, at(0.5))
    deployed = [told("version 6", at(0.6), segment=LEAF[:2])]
    write(client, deployed)
    come(client, requests(40, 1, 1, prompt_version="6"))
    detection.step(client, at(1.5))
    newer = (StreamKey("error_rate", "", (*LEAF[:-1], ("prompt_version", "6"))), False)
    old, new = detection.fleet.monitors[ERRORS], detection.fleet.monitors[newer]
    assert new.inherited
    assert new.panel[0].detector.n == pytest.approx(old.n)
    assert old.events == [deployed[0].at.timestamp()]
    # The same bad answers that are soon enough for it, while the old version goes on as before.
    come(client, requests(300, 60, 2, prompt_version="6"), requests(300, 6, 2))
    (finding,) = detection.step(client, at(2.5))
    assert finding.segment == newer[0].segment
    assert LEAF in finding.unaffected
    assert finding.before == pytest.approx(0.02, abs=0.002)


def test_traffic_that_stops_is_told_and_that_it_is_back(client: Client) -> None:
    arrive(client, [{"at": at(minute), "requests": 60} for minute in range(-240, 0)])
    detection = opened(client)
    stopped = detection.step(client, at(40))
    assert {(one.metric, one.kind, one.falls) for one in stopped} == {("requests", "opened", True)}
    assert LEAF[:2] in {one.segment for one in stopped}
    assert all(one.headline.endswith(" to 0 a minute") for one in stopped)
    arrive(client, [{"at": at(minute), "requests": 60} for minute in range(40, 75)])
    back = detection.step(client, at(76))
    over = [one for one in back if one.kind == "recovered"]
    assert {one.incident for one in over} == {one.incident for one in stopped}
    assert all(one.headline.endswith("come as usual again") and one.after > one.before for one in over)


def test_how_many_requests_are_usual_is_learned_anew_when_their_incident_is_accepted(client: Client) -> None:
    arrive(client, [{"at": at(minute), "requests": 60} for minute in range(-240, 0)])
    detection = opened(client)
    stopped = detection.step(client, at(40))
    assert stopped
    for one in stopped:
        ask(client, Action("accept", one.incident), "somebody")
    accepted = detection.step(client, at(41))
    assert {(one.kind, one.incident) for one in accepted} == {("accepted", one.incident) for one in stopped}
    assert all(one.headline.endswith(": 0 a minute is the new normal") for one in accepted)
    assert detection.open_incidents == set()
    assert detection.step(client, at(120)) == [], "it is not missed any more"


def test_a_feature_whose_requests_never_come_back_is_gone_after_a_week(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "_GONE", 30)
    arrive(client, [{"at": at(minute), "requests": 60} for minute in range(-240, 0)])
    detection = opened(client)
    stopped = detection.step(client, at(20))
    gone = detection.step(client, at(80))
    assert {(one.kind, one.incident) for one in gone} == {("gone", one.incident) for one in stopped}
    assert {state for _, state, _ in alerts(client)} == {"firing", "resolved"}
    assert {one.facts for one in gone} == {one.facts[:1] for one in stopped}, "from the usual to nothing"
    assert detection.open_incidents == set()


def both_environments(client: Client, since: int, until: int) -> None:
    """A request a second in each of them."""
    for environment in ("production", "staging"):
        arrive(client, [{"at": at(m), "requests": 60, "environment": environment} for m in range(since, until)])


def test_traffic_of_what_was_never_watched_is_not_missed(client: Client) -> None:
    both_environments(client, -240, 0)
    detection = opened(client, tuning=NO_STAGING)
    both_environments(client, 0, 40)
    assert detection.step(client, at(40)) == []


def test_what_is_watched_no_more_is_dropped_with_its_alerts_and_its_part_of_the_budget(client: Client) -> None:
    both_environments(client, -240, 0)
    detection = opened(client)
    come(client, requests(60, 30, environment="staging"))
    (found,) = detection.step(client, at(1))
    assert found.segment[0] == ("environment", "staging")
    detection = opened(client, 2, tuning=NO_STAGING)
    assert detection.open_incidents == set()
    assert [state for _, state, _ in alerts(client)] == ["firing", "resolved"]
    both_environments(client, 1, 40)
    assert detection.step(client, at(40)) == []
    assert {dict(key.segment)["environment"] for key, _ in detection.shares} == {"production"}
    assert sum(detection.shares.values()) == pytest.approx(0.9)


def test_suspicion_raises_the_judges_rate_of_its_segment(client: Client) -> None:
    for dictionary in (JUDGE_RAISED, JUDGE_PLAN):
        client.command(dictionary.create.replace("{database}", str(client.database)))
    put_plan(client, [Sampled("quality", rate=0.02)])
    now = datetime.now(UTC)
    arrive(client, [{"at": now.replace(minute=0, second=0), "resolution": "hour", "requests": 1, "service": "shop"}])
    fleet = judged_fleet()
    monitor = fleet.monitors[JUDGED, True]
    assert look_closer(client, fleet.monitors.values(), now) == []
    monitor.panel[0].detector.suspicion = 1.0
    (raised,) = look_closer(client, fleet.monitors.values(), now)
    assert (raised.evaluator, raised.rate) == ("quality", 0.02 * TIMES)
    assert raised.segment == ("shop", "production", "support", "answer", "5")
    higher = replace(raised, rate=0.9, reason="new_version")
    raise_rates(client, [higher])
    assert look_closer(client, fleet.monitors.values(), now) == []


def judged_fleet(fleet: Fleet | None = None, *, scores: dict[int, int] | None = None, at: int = 0) -> Fleet:
    """One that has seen an hour of judged answers and, in the first, of anchors."""
    fleet = fleet or Fleet(warm_up=0.0)
    begin, end = FIRST + at * HOUR, FIRST + (at + 1) * HOUR
    fleet.apply([Part(JUDGED, scores or {20: 350, 18: 400, 10: 50}, begin, end)])
    return fleet


@pytest.mark.parametrize(("anchors", "said"), [({9: 5, 10: 90, 11: 5}, "system"), ({6: 60, 10: 40}, "judge")])
def test_a_drop_is_the_judges_if_it_scores_its_anchors_differently(anchors: dict[int, int], said: str) -> None:
    fleet, incidents = judged_fleet(), Incidents()
    fleet.apply([Part(ANCHORED, {9: 20, 10: 360, 11: 20}, FIRST, FIRST + HOUR)])
    shares = dict.fromkeys(fleet.monitors, 0.1)
    fleet.apply([Part(ANCHORED, anchors, FIRST + HOUR, FIRST + 2 * HOUR)])
    judged_fleet(fleet, scores={18: 40, 10: 60, 4: 100}, at=1)
    changes = turns(fleet.monitors.values(), shares, lambda *_: {})
    found = [incidents.take(turn, fleet, shares, lambda *_: {}) for turn in changes]
    told_ = [(one.segment, one.blame) for one in found if one]
    assert told_ == [(LEAF if said == "system" else ANCHORS, said)]
