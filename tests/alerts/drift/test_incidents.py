"""From streams that move to what people are told: where, how much, once, and when it is over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from drift_world import World, durations, flags, scores, segment
from driftline.errors import StoreError
from driftline_alerts.drift.incidents import Incident, concerned
from driftline_alerts.drift.lifecycle import accept
from driftline_alerts.drift.segments import LEVELS
from driftline_alerts.drift.stream import ANCHORS, StreamKey
from driftline_alerts.drift.trail import Trail

if TYPE_CHECKING:
    from collections import Counter

V4 = segment("production", "support", "gpt", "answer", "4")
V5 = segment("production", "support", "gpt", "answer", "5")
SEARCH = segment("production", "search", "gpt", "find", "1")
OTHER_MODEL = segment("production", "search", "claude", "find", "1")


def healthy(*leaves: object, hours: float = 30, **per_hour: float) -> World:
    """A day and more of streams that are well."""
    world = World()
    for leaf in leaves or (V4, V5, SEARCH):
        assert isinstance(leaf, tuple)
        world.stream("quality", leaf, scores(0.9), per_hour.get("quality", 200))
        world.stream("error_rate", leaf, flags(0.02), per_hour.get("errors", 2000))
    assert world.pass_time(hours) == []
    return world


def test_a_drop_of_one_version_is_told_once_as_that_versions() -> None:
    world = healthy()
    world.stream("quality", V5, scores(0.75), 200)
    told = world.pass_time(12)
    (finding,) = told
    assert (finding.kind, finding.metric, finding.segment) == ("opened", "quality", V5)
    assert finding.falls
    assert finding.before == pytest.approx(0.9, abs=0.01)
    assert finding.low is not None
    assert finding.high is not None
    assert finding.low <= 0.75 <= finding.high
    assert (V4 in finding.unaffected, V5 in finding.moved) == (True, True)
    assert abs((finding.started - world.now).total_seconds() / 3600 + 12) < 1.5
    assert finding.earliest <= finding.started <= finding.latest
    assert "prompt_version 5" in finding.headline
    assert any(one.startswith("Not affected: prompt_version 4") for one in finding.sentences)
    parents = [turn for turn in world.turns if turn.kind == "paged" and len(turn.monitor.key.segment) < len(V5)]
    assert parents, "what lies above it moves too, and is no message of its own"


def test_what_a_wider_stream_has_found_is_told_with_the_figures_of_its_place() -> None:
    world = World()
    world.stream("quality", V4, scores(0.9), 8)
    world.stream("quality", V5, scores(0.9), 2)  # so few that it is not called for by itself
    assert world.pass_time(200) == []
    world.stream("quality", V5, scores(0.4), 2)
    told = world.pass_time(72)
    (turn,) = [turn for turn in world.turns if turn.kind == "paged"][:1]
    assert turn.monitor.key.segment != V5
    assert told[0].segment == V5
    assert told[0].low is not None
    assert told[0].high is not None
    assert told[0].low <= 0.4 <= told[0].high < 0.6
    assert told[0].n < 150, "its own, not those of version 4"


def test_what_joins_before_its_place_is_certain_is_looked_for_where_the_incident_is() -> None:
    world = World()
    for leaf, per_hour in ((V4, 200), (V5, 2)):
        world.stream("quality", leaf, scores(0.9), per_hour)
        world.stream("error_rate", leaf, flags(0.02), 1000)
    assert world.pass_time(200) == []
    world.stream("error_rate", V5, flags(0.2), 1000)
    (opened,) = world.pass_time(2)
    assert opened.segment == V5
    world.stream("quality", V5, scores(0.4), 400)
    joined = next(one for one in world.pass_time(2, step_minutes=2) if one.metric == "quality")
    assert (joined.kind, joined.segment) == ("joined", V5)
    assert joined.after < 0.65, "not the mix with version 4, which is at 0.9"


def test_what_moves_everywhere_is_told_of_what_contains_it_all() -> None:
    world = healthy()
    for leaf in (V4, V5, SEARCH):
        world.stream("error_rate", leaf, flags(0.08), 2000)
    told = world.pass_time(6)
    assert len(told) == 1
    assert told[0].metric == "error_rate"
    assert told[0].segment == segment("production") or told[0].place == segment("production")


def test_a_model_that_all_that_moved_shares_is_named() -> None:
    world = healthy(V4, SEARCH, OTHER_MODEL)
    for leaf in (V4, SEARCH):
        world.stream("error_rate", leaf, flags(0.10), 2000)
    told = world.pass_time(6)
    assert ("model", "gpt") in told[0].common


def test_a_second_metric_of_the_same_feature_joins_the_incident() -> None:
    world = healthy()
    world.stream("quality", V5, scores(0.6), 200)
    first = world.pass_time(4)
    world.stream("error_rate", V5, flags(0.15), 2000)
    second = world.pass_time(4)
    assert [one.kind for one in first] == ["opened"]
    assert [(one.kind, one.metric) for one in second] == [("joined", "error_rate")]
    assert second[0].incident == first[0].incident
    assert second[0].place == first[0].segment
    assert (first[0].joins, second[0].joins) == ((), ("quality",))


def test_recovery_is_told_when_all_of_it_is_well_again() -> None:
    world = healthy()
    world.stream("quality", V5, scores(0.6), 200)
    (opened,) = world.pass_time(5)
    world.stream("quality", V5, scores(0.9), 200)
    (over,) = world.pass_time(24)
    assert (over.kind, over.incident, over.segment) == ("recovered", opened.incident, opened.segment)
    assert over.after == pytest.approx(0.9, abs=0.05)
    assert not any(one.alarm for one in world.fleet.monitors.values())
    world.stream("quality", V5, scores(0.6), 200)
    (again,) = world.pass_time(30)[:1]
    assert again.incident != opened.incident, "a drop after a recovery is another incident"


def test_an_incident_of_a_version_that_was_rolled_back_is_over_after_a_day() -> None:
    world = healthy()
    world.stream("quality", V5, scores(0.6), 200)
    (opened,) = world.pass_time(5)
    for metric in ("quality", "error_rate"):
        world.rates[metric, V5] = 0
    told = world.pass_time(26)
    (over,) = told
    assert (over.kind, over.incident) == ("gone", opened.incident)
    assert over.headline == f"{opened.headline.partition(' fell')[0]}: nothing has come for a day, so this is over"
    assert not any(one.alarm for one in world.fleet.monitors.values())
    assert world.incidents.known[opened.incident].is_open is False


def test_a_change_too_small_to_matter_pages_nobody() -> None:
    world = healthy(V5, quality=4000, errors=100)
    for monitor in world.fleet.monitors.values():
        for question in monitor.panel:
            question.detector.tolerance = 0.0  # as when season and scatter are known
    world.stream("quality", V5, scores(0.888), 4000)
    told = world.pass_time(48)
    assert told == []
    assert world.fleet.of(StreamKey("quality", "judge", V5, "quality"))[0].alarm, "it was noticed all the same"


def test_a_stream_with_little_traffic_is_left_to_what_lies_above_it() -> None:
    world = World(warm_up=0)
    world.stream("quality", V5, scores(0.9), 1.5)
    world.pass_time(24 * 12, step_minutes=240)
    world.stream("quality", V5, scores(0.4), 1.5)
    assert world.pass_time(24 * 6, step_minutes=240) == []


def test_a_mix_that_moves_is_no_drop_of_its_parts() -> None:
    world = World()
    world.stream("error_rate", V4, flags(0.01), 4000)
    world.stream("error_rate", SEARCH, flags(0.10), 1000)
    world.pass_time(30)
    world.rates["error_rate", V4], world.rates["error_rate", SEARCH] = 1000, 4000
    told = world.pass_time(12)
    assert told
    assert all(one.is_mix for one in told)
    assert "mix" in " ".join(told[0].sentences)


def test_a_judge_that_scores_its_anchors_differently_is_blamed_and_its_quality_pages_nobody() -> None:
    world = healthy(V5)
    anchors = StreamKey("quality", "judge", ANCHORS, "quality")
    world.anchors = {10: 0.8, 9: 0.1, 11: 0.1}
    world.pass_time(12)
    world.anchors = {8: 0.7, 7: 0.2, 9: 0.1}
    world.pass_time(12)
    assert world.fleet.of(anchors)[1].alarm, "harsher than before"
    world.stream("quality", V5, scores(0.75), 200)
    told = [one for one in world.pass_time(24) if one.segment != ANCHORS]
    assert told == []


def test_what_a_changed_judge_said_of_the_answers_is_forgotten_once_it_is_as_before() -> None:
    world = healthy(V5)
    world.anchors = {10: 0.8, 9: 0.1, 11: 0.1}
    world.pass_time(12)
    world.anchors = {8: 0.7, 7: 0.2, 9: 0.1}
    (opened,) = world.pass_time(8)
    assert (opened.segment, opened.blame) == (ANCHORS, "judge")
    world.stream("quality", V5, scores(0.75), 200)
    assert world.pass_time(8) == []
    judged = [one for one in world.fleet.monitors.values() if one.key.metric == "quality" and one.alarm]
    incident = world.incidents.known[opened.incident]
    assert {(one.key, one.falls) for one in judged} <= incident.members.keys(), "accepted with it"
    world.anchors = {10: 0.8, 9: 0.1, 11: 0.1}
    (over, *after) = world.pass_time(36)
    assert (over.kind, over.segment) == ("recovered", ANCHORS)
    (found,) = after
    assert (found.kind, found.metric, found.blame) == ("opened", "quality", "system"), "the answers are bad as well"


def test_anchors_that_stay_say_that_the_answers_changed() -> None:
    world = healthy(V5)
    world.anchors = {10: 0.8, 9: 0.1, 11: 0.1}
    world.pass_time(16)
    world.stream("quality", V5, scores(0.7), 200)
    (finding,) = world.pass_time(10)
    assert finding.blame == "system"


def test_what_is_accepted_is_the_new_normal() -> None:
    world = healthy(V5)
    world.stream("quality", V5, scores(0.8), 200)
    (opened,) = world.pass_time(12)
    for monitor in concerned(world.incidents.known.pop(opened.incident), world.fleet):
        accept(monitor, world.look_back)
    assert world.pass_time(48) == []
    monitor = world.fleet.of(StreamKey("quality", "judge", V5, "quality"))[0]
    assert 1 - monitor.panel[0].detector.mean == pytest.approx(0.8, abs=0.02)
    world.stream("quality", V5, scores(0.65), 200)
    assert [one.kind for one in world.pass_time(24)][:1] == ["opened"]


def test_a_leaf_that_has_only_begun_to_be_watched_does_not_disturb_what_is_said_of_others() -> None:
    world = healthy()
    young = segment("production", "support", "claude", "other", "1")
    world.stream("quality", young, scores(0.9), 200)
    world.pass_time(2)
    monitor = world.fleet.of(StreamKey("quality", "judge", young, "quality"))[0]
    assert monitor.panel
    monitor.trail = Trail()
    world.rates["quality", young] = 0
    world.stream("quality", V5, scores(0.6), 200)
    (finding,) = world.pass_time(5)
    assert finding.segment == V5
    assert young not in (*finding.moved, *finding.unaffected)


def test_a_store_that_goes_away_takes_nothing_back_of_what_was_found_before() -> None:
    world = World()
    world.stream("error_rate", V5, flags(0.02), 2000)
    world.stream("latency_p95", V5, dict.fromkeys(range(20, 60), 1.0), 2000)
    world.pass_time(30)
    world.laws["error_rate", V5] = flags(0.5)
    world.laws["latency_p95", V5] = dict.fromkeys(range(60, 100), 1.0)

    def away(*_: object) -> Counter[int]:
        raise StoreError("away")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "look_back", away)
        found = world.turning(hours=1)
        first = next(found)
        assert first.monitor.key.metric == "error_rate"
        with pytest.raises(StoreError):
            list(found)
    assert {turn.monitor.key.metric for turn in world.turning(hours=1)} >= {"latency_p95"}, "it is told later"


def test_what_lies_around_an_accepted_segment_begins_anew_as_well() -> None:
    world = healthy()
    world.stream("error_rate", V5, flags(0.2), 2000)
    (opened,) = world.pass_time(1)
    incident = world.incidents.known[opened.incident]
    segments = {one.key.segment for one in concerned(incident, world.fleet) if one.key.metric == "error_rate"}
    assert segments == {V5[: len(level)] for level in LEVELS}
    assert not [one for one in concerned(incident, world.fleet) if one.key.metric == "quality"]


def test_what_fails_elsewhere_at_another_time_is_an_incident_of_its_own_and_each_ends_by_itself() -> None:
    world = healthy(V4, OTHER_MODEL)
    world.stream("error_rate", V4, flags(0.035), 2000)
    (first,) = world.pass_time(14)
    world.stream("error_rate", OTHER_MODEL, flags(0.3), 2000)
    (second,) = world.pass_time(8)
    assert (first.segment, first.kind) == (V4, "opened")
    assert (second.segment, second.kind, second.moved) == (OTHER_MODEL, "opened", (OTHER_MODEL,))
    assert first.incident != second.incident
    world.stream("error_rate", V4, flags(0.02), 2000)
    (over,) = world.pass_time(40)
    assert (over.incident, over.kind) == (first.incident, "recovered")


def test_a_replacement_that_is_as_bad_is_measured_by_what_was_good_and_joins_the_incident() -> None:
    world = healthy(V4, SEARCH)
    world.stream("quality", V4, scores(0.75), 200)
    (opened,) = world.pass_time(6)
    world.rates["quality", V4] = 0
    world.stream("quality", V5, scores(0.75), 200)
    (joined,) = world.pass_time(6)
    assert (joined.kind, joined.segment, joined.incident) == ("joined", V5, opened.incident)
    assert joined.before == pytest.approx(0.9, abs=0.02)
    assert "gone" not in {one.kind for one in world.pass_time(30)}, "version 5 is as bad still"


@pytest.mark.parametrize("first_hour", [1.35, 0.8])
def test_a_percentile_is_compared_with_all_of_its_baseline_and_not_with_its_first_hour(first_hour: float) -> None:
    world = World()
    world.stream("latency_p95", V4, durations(first_hour), 1000)
    world.pass_time(2)
    world.stream("latency_p95", V4, durations(1.0), 1000)
    world.pass_time(24 * 4, step_minutes=60)
    world.stream("latency_p95", V4, durations(1.35), 1000)
    finding = next(one for one in world.pass_time(24) if one.kind == "opened")
    assert finding.before == pytest.approx(2.28, rel=0.08)


def test_an_incident_is_the_same_after_a_restart_also_from_when_only_metrics_were_kept() -> None:
    world = healthy()
    world.stream("quality", V5, scores(0.75), 200)
    world.pass_time(6)
    (incident,) = world.incidents.known.values()
    state = json.loads(json.dumps(incident.state()))
    assert Incident.restored(state) == incident
    before = Incident.restored({**state, "told": ["quality"]})
    assert (before.metrics, before.is_open, before.is_near(V5)) == (("quality",), True, True)


def test_how_seldom_it_is_by_chance_is_said_of_all_streams_together() -> None:
    world = healthy()
    world.stream("quality", V5, scores(0.75), 200)
    while not (told := world.pass_time(1 / 3)):
        pass
    (finding,) = told
    monitor = next(one.monitor for one in world.turns if one.kind == "paged")
    assert 1 <= finding.once_in_months < monitor.suspicion
