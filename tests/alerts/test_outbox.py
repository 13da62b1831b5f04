"""What is still to be told: together what belongs together, and nothing that is held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alert_support import MINUTE, NOW, step_of
from driftline_alerts.actions import Action
from driftline_alerts.outbox import Attempts, Incident, Parcel, Plan
from driftline_alerts.routes import Route

if TYPE_CHECKING:
    from driftline_alerts.transition import State, Transition

CHANNEL = "slack"


def plan(at: datetime = NOW + MINUTE, *silences: Action, **route: Any) -> Plan:
    """One route for everything."""
    return Plan([Route.model_validate({"channels": CHANNEL} | route)], [CHANNEL, "boss"], silences, at)


def incident(*steps: Transition) -> Incident:
    return Incident("i", list(steps))


def feature(name: str, state: State = "firing", minutes: float = 0, **values: Any) -> Transition:
    return step_of(state=state, at=NOW + minutes * MINUTE, feature=name, **values)


def tell(one: Incident, parcel: Parcel, at: datetime = NOW, *, channel: str = CHANNEL, **known: Any) -> None:
    """As if a message had been sent."""
    sure = Attempts(True, False, False, parcel.id, "thread", at)
    for step in parcel.steps:
        one.attempts[step.id, channel] = replace(sure, **known)


def test_segments_that_fire_together_are_one_message() -> None:
    steps = [feature("a"), feature("b"), feature("c")]
    (parcel,) = plan().parcels(incident(*steps), CHANNEL)
    assert (parcel.phase, parcel.steps, parcel.thread) == ("opened", tuple(steps), "")
    assert plan().parcels(incident(*steps), CHANNEL) == [parcel], "under the same id each time"


def test_what_joins_waits_for_the_cooldown_and_goes_to_the_thread() -> None:
    one = incident(feature("a"))
    tell(one, plan().parcels(one, CHANNEL)[0])
    one.steps += [feature("b", minutes=2), feature("c", minutes=3)]
    assert plan(NOW + 9 * MINUTE).parcels(one, CHANNEL) == []
    (parcel,) = plan(NOW + 10 * MINUTE).parcels(one, CHANNEL)
    assert (parcel.phase, len(parcel.steps), parcel.thread) == ("update", 2, "thread")


def test_what_becomes_critical_does_not_wait() -> None:
    one = incident(feature("a"))
    tell(one, plan().parcels(one, CHANNEL)[0])
    one.steps.append(feature("a", minutes=1, severity="critical"))
    assert [parcel.phase for parcel in plan().parcels(one, CHANNEL)] == ["update"]
    tell(one, plan().parcels(one, CHANNEL)[0])
    one.steps.append(feature("b", minutes=2, severity="critical"))
    assert plan(NOW + 3 * MINUTE).parcels(one, CHANNEL) == [], "it is critical already"


def test_an_update_says_whether_it_is_graver_than_what_was_told_also_when_it_is_tried_again() -> None:
    one = incident(feature("a"))
    (opened,) = plan().parcels(one, CHANNEL)
    tell(one, opened)
    one.steps += [feature("b", minutes=1, severity="critical"), feature("a", "acknowledged", 2)]
    seen, update = plan().parcels(one, CHANNEL)
    assert [parcel.is_graver for parcel in (opened, seen, update)] == [False, False, True]
    tell(one, seen)
    tell(one, update, is_delivered=False, is_unsure=True)
    (again,) = plan().parcels(one, CHANNEL)
    assert (again.is_repeat, again.is_graver) == (True, True)
    tell(one, update)
    one.steps.append(feature("c", minutes=3, severity="critical"))
    (further,) = plan(NOW + 20 * MINUTE).parcels(one, CHANNEL)
    assert (further.phase, further.is_graver) == ("update", False)


def test_who_has_seen_it_is_told_at_once() -> None:
    one = incident(feature("a"))
    tell(one, plan().parcels(one, CHANNEL)[0])
    one.steps += [feature("b", minutes=1), feature("a", "acknowledged", 2)]
    assert [(parcel.phase, len(parcel.steps)) for parcel in plan().parcels(one, CHANNEL)] == [("acknowledged", 1)]


def test_an_incident_is_over_when_all_of_it_is() -> None:
    one = incident(feature("a"), feature("b"))
    tell(one, plan().parcels(one, CHANNEL)[0])
    one.steps.append(feature("a", "resolved", 5))
    assert [parcel.phase for parcel in plan(NOW + 20 * MINUTE).parcels(one, CHANNEL)] == ["update"]
    one.steps.append(feature("b", "resolved", 6))
    (parcel,) = plan(NOW + 7 * MINUTE).parcels(one, CHANNEL)
    assert (parcel.phase, len(parcel.steps)) == ("resolved", 2)


def test_what_was_over_before_it_could_be_told_is_one_message() -> None:
    (parcel,) = plan().parcels(incident(feature("a"), feature("a", "resolved", 1)), CHANNEL)
    assert (parcel.phase, len(parcel.steps), parcel.thread) == ("resolved", 2, "")


def test_quiet_hours_hold_back_all_but_what_is_critical() -> None:
    quiet = plan(quiet="11:00-13:00")
    one = incident(feature("a"))
    assert quiet.parcels(one, CHANNEL) == []
    assert len(plan(NOW + timedelta(hours=1), quiet="11:00-13:00").parcels(one, CHANNEL)) == 1
    assert len(quiet.parcels(incident(feature("a", severity="critical")), CHANNEL)) == 1


def test_a_silence_holds_back_what_it_is_about_until_its_end() -> None:
    one = incident(feature("a"))
    about = Action("silence", "anna", segment=(("feature", "a"),))
    for held in (about, replace(about, segment=(), rule="slow"), replace(about, segment=(), incident="i")):
        assert plan(NOW + MINUTE, held).parcels(one, CHANNEL) == []
    other = replace(about, segment=(("feature", "b"),))
    assert len(plan(NOW + MINUTE, other).parcels(one, CHANNEL)) == 1
    one.steps.append(feature("b"))
    assert len(plan(NOW + MINUTE, other).parcels(one, CHANNEL)) == 1, "a is not silenced"


def test_who_was_told_the_beginning_is_told_the_end_through_a_silence_and_however_late() -> None:
    silence = Action("silence", "anna", rule="slow")
    one = incident(feature("a"))
    tell(one, plan().parcels(one, CHANNEL)[0])
    one.steps.append(feature("a", "resolved", 5))
    assert [parcel.phase for parcel in plan(NOW + 6 * MINUTE, silence).parcels(one, CHANNEL)] == ["resolved"]
    assert [parcel.phase for parcel in plan(NOW + timedelta(days=3)).parcels(one, CHANNEL)] == ["resolved"]
    unknown = incident(feature("a"), feature("a", "resolved", 5))
    assert plan(NOW + 6 * MINUTE, silence).parcels(unknown, CHANNEL) == []


def test_what_began_and_ended_in_quiet_hours_is_told_after_them() -> None:
    one = incident(feature("a"), feature("a", "resolved", 5))
    quiet = {"quiet": "11:00-13:00"}
    assert plan(NOW + 6 * MINUTE, **quiet).parcels(one, CHANNEL) == []
    assert [parcel.phase for parcel in plan(NOW + timedelta(hours=1), **quiet).parcels(one, CHANNEL)] == ["resolved"]


def test_an_incident_that_nobody_acknowledges_goes_further() -> None:
    later = {"escalate": {"after": "30m", "channels": "boss"}}
    one = incident(feature("a"))
    tell(one, plan().parcels(one, CHANNEL)[0])
    assert plan(NOW + 29 * MINUTE, **later).parcels(one, "boss") == []
    (parcel,) = plan(NOW + 30 * MINUTE, **later).parcels(one, "boss")
    assert (parcel.phase, parcel.is_escalated) == ("opened", True)
    tell(one, parcel, channel="boss")
    one.steps.append(feature("a", "acknowledged", 31))
    assert [one.phase for one in plan(NOW + 32 * MINUTE, **later).parcels(one, "boss")] == ["acknowledged"]
    seen = incident(feature("a"), feature("a", "acknowledged", 20))
    assert plan(NOW + 32 * MINUTE, **later).parcels(seen, "boss") == []


def test_an_attempt_whose_end_nobody_knows_is_made_again_of_the_same_steps_and_alone() -> None:
    one = incident(feature("a"), feature("b"))
    (first,) = plan().parcels(one, CHANNEL)
    tell(one, first, is_delivered=False, is_unsure=True)
    one.steps += [feature("c", minutes=1), feature("a", "resolved", 2)]
    (again,) = plan().parcels(one, CHANNEL)
    assert (again.phase, again.is_repeat, len(again.steps), again.id) == ("opened", True, 2, first.id)
    tell(one, again)
    assert [(parcel.phase, len(parcel.steps)) for parcel in plan(NOW + 20 * MINUTE).parcels(one, CHANNEL)] == [
        ("update", 2)
    ]


def test_what_is_refused_is_given_up_and_the_rest_told() -> None:
    one = incident(feature("a"))
    tell(one, plan().parcels(one, CHANNEL)[0], is_delivered=False, is_refused=True)
    assert plan().parcels(one, CHANNEL) == []
    one.steps.append(feature("b", minutes=1))
    assert [(parcel.phase, len(parcel.steps)) for parcel in plan().parcels(one, CHANNEL)] == [("opened", 1)]


def test_old_news_is_told_only_of_what_is_still_wrong() -> None:
    later = plan(NOW + timedelta(days=3))
    assert later.parcels(incident(feature("a"), feature("a", "resolved", 9)), CHANNEL) == []
    assert len(later.parcels(incident(feature("a")), CHANNEL)) == 1


def test_an_incident_of_several_teams_is_told_to_all_of_them() -> None:
    routes = [Route.model_validate({"channels": name, "where": {"feature": name}}) for name in ("chat", "search")]
    both = Plan(routes, ["chat", "search", "boss"], (), NOW)
    one = incident(feature("chat"), feature("search"))
    assert [len(both.parcels(one, name)) for name in ("chat", "search", "boss")] == [1, 1, 0]


def test_what_becomes_worse_after_it_was_acknowledged_goes_further_again() -> None:
    later = {"escalate": {"after": "30m", "channels": "boss"}}
    one = incident(feature("a"), feature("a", "acknowledged", 2), feature("a", minutes=60, severity="critical"))
    assert plan(NOW + 89 * MINUTE, **later).parcels(one, "boss") == []
    assert len(plan(NOW + 90 * MINUTE, **later).parcels(one, "boss")) == 1


def test_an_incident_that_grows_goes_further_as_soon_as_one_that_does_not() -> None:
    later = {"escalate": {"after": "30m", "channels": "boss"}}
    one = incident(feature("a"), *(feature("a", minutes=minutes) for minutes in (10, 20, 29)))
    assert plan(NOW + 29 * MINUTE, **later).parcels(one, "boss") == []
    assert len(plan(NOW + 30 * MINUTE, **later).parcels(one, "boss")) == 1


def test_what_nobody_has_acknowledged_goes_further_whoever_looks_after_the_rest() -> None:
    later = {"escalate": {"after": "30m", "channels": "boss"}}
    one = incident(feature("a"), feature("b", minutes=5), feature("a", "acknowledged", 8))
    assert plan(NOW + 34 * MINUTE, **later).parcels(one, "boss") == []
    assert len(plan(NOW + 35 * MINUTE, **later).parcels(one, "boss")) == 1


def test_a_silence_is_about_what_is_wrong_now() -> None:
    one = incident(feature("a"), feature("b"), feature("a", "resolved", 1))
    silence = Action("silence", "anna", segment=(("feature", "b"),))
    assert plan(NOW + 2 * MINUTE, silence).parcels(one, CHANNEL) == []


def test_what_may_have_arrived_is_sent_again_after_longer_and_longer_pauses() -> None:
    one = incident(feature("a"))
    (first,) = plan().parcels(one, CHANNEL)
    for broken, seconds in ((1, 15), (2, 30), (3, 60), (20, 3600)):
        tell(one, first, is_delivered=False, is_unsure=True, broken=broken)
        assert plan(NOW + timedelta(seconds=seconds - 1)).parcels(one, CHANNEL) == []
        assert plan(NOW + timedelta(seconds=seconds)).parcels(one, CHANNEL)[0].is_repeat


def test_where_nobody_sees_a_repeat_it_follows_soon() -> None:
    one = incident(feature("a"))
    tell(one, plan().parcels(one, CHANNEL)[0], is_delivered=False, is_unsure=True, broken=20)
    soon = replace(plan(NOW + timedelta(seconds=5)), is_repeat_harmless=True)
    assert [parcel.is_repeat for parcel in soon.parcels(one, CHANNEL)] == [True]


def test_what_is_critical_waits_for_a_minute_at_most() -> None:
    one = incident(feature("a"))
    tell(one, plan().parcels(one, CHANNEL)[0], is_delivered=False, is_unsure=True, broken=20)
    assert plan(NOW + MINUTE).parcels(one, CHANNEL) == []
    one.steps.append(feature("a", severity="critical"))
    assert [parcel.is_repeat for parcel in plan(NOW + MINUTE).parcels(one, CHANNEL)] == [True]


def test_each_phase_of_an_incident_has_a_message_of_its_own() -> None:
    one = incident(feature("a"))
    (opened,) = plan().parcels(one, CHANNEL)
    one.steps.append(feature("a", "resolved", 1))
    (over,) = plan().parcels(one, CHANNEL)
    assert over.id != opened.id


def test_who_is_not_meant_is_told_nothing() -> None:
    assert plan().parcels(incident(feature("a")), "boss") == []


def test_a_channel_that_was_added_is_told_what_is_open_and_not_what_was_over_before() -> None:
    over = incident(feature("a"), feature("a", "resolved", 5))
    still_open = incident(feature("a"))
    ended_since = incident(feature("a"), feature("a", "resolved", 7))
    added = replace(plan(NOW + 8 * MINUTE), since=NOW + 6 * MINUTE)
    assert added.parcels(over, CHANNEL) == []
    assert [parcel.phase for parcel in added.parcels(still_open, CHANNEL)] == ["opened"]
    assert added.parcels(ended_since, CHANNEL) == [], "nobody there knows of it"
    tell(ended_since, plan().parcels(ended_since, CHANNEL)[0], is_delivered=False)
    assert [parcel.phase for parcel in added.parcels(ended_since, CHANNEL)] == ["resolved"], "it was tried"
    began_since = incident(feature("a", minutes=7), feature("a", "resolved", 7.5))
    assert [parcel.phase for parcel in added.parcels(began_since, CHANNEL)] == ["resolved"]
