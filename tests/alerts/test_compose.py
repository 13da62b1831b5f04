"""Messages: what people read of an incident, complete, and nothing made up."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from alert_support import MINUTE, NOW, put_requests, step_of
from drift_support import put
from driftline_alerts import compose as module
from driftline_alerts.compose import compose, composed
from driftline_alerts.detail import Detail
from driftline_alerts.outbox import Parcel
from driftline_alerts.rule import DRIFT
from driftline_dashboard.places import SYSTEM

if TYPE_CHECKING:
    from driftline_alerts.message import Message, Phase
    from driftline_alerts.transition import State, Transition
    from driftline_store.client import Client

DASHBOARD = "https://dash.example/"


def message(client: Client, *steps: Transition, phase: Phase = "opened", is_escalated: bool = False) -> Message:
    return compose(client, Parcel("m", phase, steps, "", is_escalated=is_escalated), DASHBOARD)


def facts(one: Message) -> dict[str, str | datetime]:
    return {fact.label: fact.value for fact in one.facts}


def test_a_rules_message_says_what_where_since_when_and_shows_the_worst(client: Client) -> None:
    put_requests(client, 9.0, 30, feature="chat")
    for minutes in (16, 31):
        put_requests(client, 1.0, 30, at=NOW - minutes * MINUTE, feature="chat")
    blank = {"is_first": True, "start": NOW - MINUTE, "feature": "chat", "cost": 0.01, "is_error": False}
    put(client, "llm_traces", [blank | {"trace_id": f"t{n}", "duration": float(n)} for n in range(1, 6)])
    detail = Detail(
        side="above", window_minutes=15, description="Look at the status page.", runbook="https://wiki.example/slow"
    )
    found = message(client, replace(step_of(feature="chat"), detail=detail))
    assert found.headline == "Latency p95 of feature chat is 9.00 s, above 3.00 s"
    assert facts(found)["Based on"] == "30 requests in 15 min"
    assert facts(found)["Since"] == NOW
    assert str(facts(found)["Touched"]).startswith("30 requests")
    assert found.sentences == ("Look at the status page.",)
    assert [(one.url, one.value) for one in found.examples] == [
        (f"https://dash.example/?trace=t{n}", f"{n}.00 s") for n in (5, 4, 3)
    ]
    assert [(one.label, one.url) for one in found.links] == [
        ("Open in the dashboard", "https://dash.example/?feature=chat"),
        ("Runbook", "https://wiki.example/slow"),
    ]
    assert found.series is not None
    assert found.series.limit == 3
    assert len({later - earlier for (earlier, _), (later, _) in pairwise(found.series.points)}) == 1, "gaps are drawn"
    values = [value for _, value in found.series.points if value is not None]
    assert values == [pytest.approx(seconds, rel=0.03) for seconds in (1.0, 1.0, 9.0)]


def test_what_a_rule_says_of_what_is_wrong_is_left_out_once_it_is_not(client: Client) -> None:
    detail = Detail(side="above", window_minutes=15, description="More than one request in twenty ends in an error.")
    cases: list[tuple[State, Phase, tuple[str, ...]]] = [
        ("firing", "opened", (detail.description,)),
        ("acknowledged", "acknowledged", ("driftline has acknowledged it.", detail.description)),
        ("resolved", "update", ()),
        ("resolved", "resolved", ()),
    ]
    for state, phase, said in cases:
        step = replace(step_of(state=state), detail=detail)
        assert message(client, step, phase=phase).sentences == said


def test_of_driftline_itself_it_is_not_said_where_and_the_link_goes_to_the_systems_page(client: Client) -> None:
    detail = Detail(side="above", window_minutes=5)
    step = replace(step_of(), rule="dead letters", metric="dead_letters", value=3.0, threshold=0.0, n=1, detail=detail)
    found = message(client, step)
    assert found.headline == "Dead letters: 3, above 0"
    assert (found.is_system, set(facts(found))) == (True, {"Since", "Rule"})
    assert found.links[0].url == f"{DASHBOARD}{SYSTEM.path}"
    over = message(client, replace(step, state="resolved", value=0.0), phase="resolved")
    assert over.headline == "Dead letters: 0, no longer above 0"
    gone = message(client, replace(step, state="resolved", value=math.nan, why="nothing comes any more"))
    assert gone.headline == "Dead letters: nothing comes any more"


def test_that_it_became_graver_is_handed_on(client: Client) -> None:
    for is_graver in (False, True):
        parcel = Parcel("m", "update", (step_of(severity="critical"),), "thread", is_graver=is_graver)
        assert compose(client, parcel, DASHBOARD).is_graver == is_graver


def test_segments_of_one_incident_are_listed(client: Client) -> None:
    names = [f"f{n}" for n in range(8)]
    steps = [replace(step_of(feature=name), value=4.0 + n) for n, name in enumerate(names)]
    found = message(client, *steps)
    assert found.headline.startswith("Latency p95 of 8 segments is")
    assert str(facts(found)["Where"]) == (
        "feature f0 4.00 s; feature f1 5.00 s; feature f2 6.00 s; feature f3 7.00 s; feature f4 8.00 s; and 3 more"
    )


def test_a_rule_that_breaks_with_what_drift_detection_found_is_said_beside_it(client: Client) -> None:
    detail = Detail(side="above", window_minutes=60, headline="Latency p95 of feature chat rose from 1.00 s to 9.00 s")
    drift = replace(step_of(feature="chat"), rule=f"{DRIFT}latency p95 (i)", detail=detail)
    rules = [step_of(at=NOW + MINUTE, feature=name) for name in ("chat", "search")]
    found = message(client, drift, *rules)
    assert found.headline == detail.headline, "it says more, and neither is graver"
    assert found.sentences == ("Rule slow: Latency p95 of 2 segments is 9.00 s, above 3.00 s, feature chat first.",)
    graver = step_of(at=NOW + MINUTE, feature="chat", severity="critical")
    found = message(client, drift, graver, phase="update")
    assert found.headline == "Latency p95 of feature chat is 9.00 s, above 3.00 s"
    assert found.sentences == (f"Drift detection: {detail.headline}.",)
    assert "Where" not in facts(found), "one place each"


def test_what_is_over_says_since_when_and_shows_no_examples(client: Client) -> None:
    over = replace(step_of(feature="chat", state="resolved", at=NOW + timedelta(hours=1)), value=1.0)
    found = message(client, over, phase="resolved")
    assert found.headline == "Latency p95 of feature chat is 1.00 s, no longer above 3.00 s"
    assert (facts(found)["Since"], facts(found)["Over"]) == (NOW, NOW + timedelta(hours=1))
    assert (found.examples, found.series) == ((), None)


def test_who_has_acknowledged_it_and_why_is_told(client: Client) -> None:
    seen = replace(step_of(state="acknowledged"), actor="anna", why="rolling back")
    assert message(client, seen, phase="acknowledged").sentences == ("anna has acknowledged it: rolling back.",)
    assert "Nobody has acknowledged it yet." in message(client, step_of(), is_escalated=True).sentences


def test_a_rule_that_is_gone_says_so_and_no_figures(client: Client) -> None:
    gone = step_of(state="resolved")
    gone = replace(gone, value=math.nan, detail=gone.detail.withdrawn())
    found = message(client, gone, phase="resolved")
    assert "the rule was removed or changed" in found.headline
    assert "Based on" not in facts(found)


def test_a_finding_is_told_as_drift_detection_said_it(client: Client) -> None:
    put(client, "llm_content", [{"trace_id": "bad", "span_id": "s", "input": "Where?\nNow!", "output": "Somewhere."}])
    detail = Detail(
        side="below",
        window_minutes=60,
        severity="critical",
        headline="Quality of feature support fell from 0.900 to 0.750",
        facts=(("Level", "0.900 → 0.750"),),
        sentences=("Not affected: prompt_version 4.",),
        examples=(("bad", "s", 0.1),),
        can_accept=True,
    )
    step = replace(step_of(feature="support"), rule=f"{DRIFT}quality (abc)", metric="quality", detail=detail)
    found = message(client, step)
    assert found.headline == detail.headline
    assert facts(found)["Level"] == "0.900 → 0.750"
    assert found.sentences == detail.sentences
    (example,) = found.examples
    assert (example.value, example.asked, example.answered) == ("0.100", "Where?", "Somewhere.")
    assert found.can_accept
    assert not message(client, replace(step, state="resolved"), phase="resolved").can_accept


def test_what_cannot_be_composed_is_told_all_the_same(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(module, "_links", lambda *_: ())
    monkeypatch.setattr(module, "_series", broken)
    found = composed(client, Parcel("m", "opened", (step_of(feature="chat"),), ""), DASHBOARD)
    assert found.headline == "slow: feature chat is firing"
    assert "could not be shown" in found.sentences[0]
    ours = replace(step_of(), rule="dead letters", metric="dead_letters")
    assert composed(client, Parcel("m", "opened", (ours,), ""), DASHBOARD).headline == "dead letters: firing"


def test_a_metric_of_another_version_is_told_plainly(client: Client) -> None:
    found = message(client, replace(step_of(), metric="gone_metric"))
    assert found.headline == "gone_metric of everything is 9, above 3"
    assert found.series is None
