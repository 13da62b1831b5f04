"""Judgements from the bus into the store: each once, in rows and in sums, whatever is repeated."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from driftline.otlp.decode import UnreadableError
from driftline.settings import load
from driftline_processors.judge import event
from driftline_processors.judge.stored import JudgementTarget, Memory
from driftline_processors.judge.task import Judgement, Task

if TYPE_CHECKING:
    from driftline_store.client import Client
    from store_fixtures import RunningStore

NOW = datetime(2026, 11, 26, 8, 0, 0, 123456, tzinfo=UTC)
SEGMENT = ("shop", "", "chat", "gpt-4o", "", "v1", "")


def message(unit_id: str, score: float = 0.9, error: str = "", **values: Any) -> bytes:
    """A judgement of a request that was chosen at 1 %."""
    given = {"unit": "request", "unit_id": unit_id, "evaluator": "quality", "uniform_probability": 0.01, **values}
    task = Task(unit_id, "", NOW, SEGMENT, 0.01, "", "", "An answer.", **given)
    said = Judgement(None if error else score, "pass", "Fine.", error=error, criteria=(("tone", 0.5),))
    return event.encode(event.row_of(task, said, "quality 1 gpt-4o"))


def insert(client: Client, token: str, *messages: bytes) -> None:
    JudgementTarget().insert(client, messages, token)


def rows(client: Client) -> list[tuple[str, float]]:
    return client.query("SELECT unit_id, score FROM evaluations ORDER BY unit_id").result_rows  # type: ignore[return-value]


def sums(client: Client) -> list[tuple[str, int, float, float]]:
    """By criterion, ``__all`` being what metrics read."""
    query = (
        "SELECT '__all' AS criterion, sum(judged), sum(judged_w) AS w, sum(judged_ws) FROM llm_rollups "
        "WHERE resolution = 'day' UNION ALL "
        "SELECT criterion, sum(judged_rollups.judged), sum(judged_rollups.w) AS w, sum(ws) FROM judged_rollups "
        "WHERE resolution = 'arrival' GROUP BY criterion"
    )
    found = client.query(query).result_rows
    return sorted((str(row[0]), int(row[1]), float(row[2]), round(float(row[3]), 9)) for row in found)


A, B, C = "a" * 32, "b" * 32, "c" * 32


def test_a_batch_that_comes_again_changes_nothing(client: Client) -> None:
    for _ in range(2):
        insert(client, "bus/judgements/0/0-1", message(A, 0.4), message(B, 0.8))
    assert rows(client) == [(A, 0.4), (B, 0.8)]
    assert sums(client) == [("", 2, 200.0, 120.0), ("__all", 2, 200.0, 120.0), ("tone", 2, 200.0, 100.0)]


def test_a_batch_whose_sums_a_crash_cut_off_is_completed_by_its_repeat(client: Client) -> None:
    for view in ("evaluations_to_rollups", "evaluations_to_judged_rollups"):
        client.command(f"DETACH TABLE {view}")
    insert(client, "t", message(A, 0.4))
    for view in ("evaluations_to_rollups", "evaluations_to_judged_rollups"):
        client.command(f"ATTACH TABLE {view}")
    assert [row[1] for row in sums(client)] == [0]
    insert(client, "t", message(A, 0.4))
    assert rows(client) == [(A, 0.4)]
    assert [row[1] for row in sums(client)] == [1, 1, 1]


def test_of_a_task_that_was_answered_twice_the_first_judgement_counts(client: Client) -> None:
    insert(client, "first", message(A, 0.4))
    for _ in range(2):
        insert(client, "second", message(A, 0.9), message(B, 0.8), message(B, 0.1))
    insert(client, "third", message(A, 0.9))
    assert rows(client) == [(A, 0.4), (B, 0.8)]
    assert [row[1] for row in sums(client)] == [2, 2, 2]


def test_other_evaluators_runs_and_units_are_judgements_of_their_own(client: Client) -> None:
    insert(client, "1", message(A, evaluator="quality"), message(A, evaluator="tone"))
    insert(client, "2", message(A, run="again"), message(A, unit="anchor"), message(A, unit="trace"))
    assert len(rows(client)) == 5
    [[production, everything]] = client.query(
        "SELECT (SELECT sum(judged) FROM llm_rollups WHERE resolution = 'day'), "
        "(SELECT sum(judged) FROM judged_rollups WHERE resolution = 'day' AND criterion = '')"
    ).result_rows
    # What is judged again and anchors are no part of production's quality.
    assert (production, everything) == (3, 5)


def test_detectors_get_the_uniform_sample_by_level_unweighted(client: Client) -> None:
    tiers = [("base", 0.9), ("base", 0.9), ("raised", 0.5), ("boost", 0.1)]
    insert(client, "1", *(message(str(number) * 32, score, tier=tier) for number, (tier, score) in enumerate(tiers)))
    insert(client, "2", message(A, error="timeout"))
    [row] = client.query(
        "SELECT sum(judged), sum(failures), sumMap(uniform_levels), sumMap(base_levels) FROM judged_rollups "
        "WHERE resolution = 'arrival' AND criterion = '' AND name = 'quality' AND evaluator = 'quality 1 gpt-4o'"
    ).result_rows
    assert row == (4, 1, {10: 1, 18: 2}, {18: 2})


def test_what_is_no_judgement_is_found_by_its_number(client: Client) -> None:
    target = JudgementTarget()
    about_nothing = event.row_of(Task("", "", NOW, SEGMENT, 1.0, "", "", ""), Judgement(), "")
    values = [message(A), b"\xff\xff", message(B), event.encode(about_nothing)]
    with pytest.raises(UnreadableError):
        target.insert(client, values, "t")
    found = target.unreadable(client, values)
    assert found.keys() == {1, 3}
    assert found[3] == "it is no judgement: it does not say evaluator, unit_id"
    assert rows(client) == []


def test_an_identical_answer_is_found_with_all_that_was_said_of_it(
    client: Client, embedded_store: RunningStore
) -> None:
    def said(unit_id: str, judgement: Judgement, content_hash: str) -> bytes:
        task = Task(unit_id, "", NOW, SEGMENT, 0.01, "", "", "An answer.", unit_id=unit_id)
        return event.encode(event.row_of(task, judgement, "quality 1 gpt-4o", content_hash))

    judgement = Judgement(0.4, "fail", "Rude.", criteria=(("tone", 0.2),), response_model="gpt-4o-1", fingerprint="q 1")
    insert(client, "t/0-1", said(A, judgement, "rude"), said(B, Judgement(error="timeout"), "never answered"))
    memory = Memory(load({}, data_dir=str(embedded_store.path)))
    try:
        assert memory.find("rude") == judgement
        assert memory.find("never answered") is None
        assert memory.find("' OR '1'='1") is None
    finally:
        memory.close()
