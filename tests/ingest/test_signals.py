"""Ratings, signals and outcomes in feedback: what counts as what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from made_events import event
from made_spans import NOW

if TYPE_CHECKING:
    from ingest_support import Pipeline

ABOUT = {"driftline.feature": "support", "driftline.request.start_time_unix_nano": NOW}


def say(name: str = "user_feedback", label: str = "", score: float | None = None, **more: Any) -> dict[str, Any]:
    told = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.label": label, **ABOUT, **more}
    return told if score is None else told | {"gen_ai.evaluation.score.value": score}


def counted(pipeline: Pipeline, *events: dict[str, Any]) -> dict[str, Any]:
    pipeline.send_logs(*(event("gen_ai.evaluation.result", values) for values in events))
    [row] = pipeline.rows(
        "SELECT sum(thumbs_up) AS up, sum(thumbs_down) AS down, sum(reports) AS reports, "
        "sumMap(signals) AS signals, sum(successes) AS successes FROM llm_rollups WHERE resolution = 'day'"
    )
    return row


def test_stars_are_thumbs_and_three_of_them_are_neither(pipeline: Pipeline) -> None:
    stars = [say(label=f"{number}_stars", score=(number - 1) / 4) for number in range(1, 6)]
    row = counted(pipeline, *stars, say(label="thumbs_up", score=1.0), say(label="6_stars", score=1.25))
    assert (row["up"], row["down"], row["reports"], row["signals"]) == (3, 2, 0, {})


def test_signals_are_counted_by_name_and_are_no_ratings(pipeline: Pipeline) -> None:
    names = ("edited", "retried", "copied", "copied", "follow_up", "escalated")
    row = counted(pipeline, *(say(name, score=0.0) for name in names), say("copied", "thumbs_up", 1.0))
    assert row["signals"] == {"copied": 3, "edited": 1, "escalated": 1, "follow_up": 1, "retried": 1}
    assert (row["up"], row["down"], row["reports"]) == (0, 0, 0)


def test_an_outcome_is_a_success_from_a_score_of_a_half_on(pipeline: Pipeline) -> None:
    scores = (1.0, 0.5, 0.49, 0.0)
    row = counted(pipeline, *(say("task_success", score=score) for score in scores), say("task_success", "done"))
    assert (row["signals"], row["successes"]) == ({"task_success": 4}, 2), "without a score it says neither yes nor no"


@pytest.mark.parametrize("source", ["judge", "rule"])
def test_only_what_people_did_is_a_signal(pipeline: Pipeline, source: str) -> None:
    row = counted(pipeline, say("edited", score=1.0, **{"driftline.evaluation.source": source}))
    assert row["signals"] == {}


def test_names_that_are_nobodys_do_not_grow_the_sums(pipeline: Pipeline) -> None:
    row = counted(pipeline, *(say(f"name {number}", score=1.0) for number in range(20)))
    assert row["signals"] == {}
