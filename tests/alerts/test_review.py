"""Content rules against the real store: what becomes a case, once, and no more than asked for."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from driftline.errors import StoreError
from driftline_alerts.review import review
from driftline_alerts.review_rule import ReviewRule
from driftline_cli.app import app
from driftline_store.review_cases import cases

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LONG_AGO = BEGAN - timedelta(days=9)


@pytest.fixture
def client(client: Client) -> Client:
    for table in ("llm_spans", "llm_content", "review_cases", "review_positions", "evaluations"):
        client.command(f"TRUNCATE TABLE {table}")
    assert review(client, [rule(phrases="x")], BEGAN) == 0
    return client


def rule(**values: Any) -> ReviewRule:
    return ReviewRule.model_validate({"name": "refunds"} | values)


def put(client: Client, *spans: dict[str, Any], at: datetime = BEGAN + MINUTE) -> None:
    """Spans that arrive at a time, each a call of a trace of its own where it says nothing else."""
    every = {
        "span_id": "s", "start": at, "arrived": at, "is_call": True, "is_request": False, "feature": "support",
        "input": "", "output": "", "route_confidence": None,
    }  # fmt: skip
    rows = [every | {"trace_id": f"t{number}"} | span for number, span in enumerate(spans)]
    client.insert("llm_spans", [list(row.values()) for row in rows], column_names=list(rows[0]))


def found(client: Client) -> dict[str, str]:
    return {case.trace_id: case.found for case in cases(client, LONG_AGO)}


def test_what_is_read_in_an_answer_is_looked_at(client: Client) -> None:
    messages = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Eine RÜCKZAHLUNG folgt"}]}])
    put(
        client,
        {"output": "We will Refund you."},
        {"output": messages},
        {"output": "Card 4111-1111 is fine"},
        {"output": "Nothing of that"},
        {"output": "", "input": "refund me"},
        {"output": "", "span_id": "logged"},
        {"output": "no refund", "feature": "search"},
    )
    content = [["t5", "logged", BEGAN + MINUTE, "as a log event: refund"], ["t5", "other", BEGAN, "x"]]
    client.insert("llm_content", content, column_names=["trace_id", "span_id", "at", "output"])
    one = rule(phrases=["refund", "rückzahlung"], patterns=r"\b\d{4}-\d{4}\b", where={"feature": "support"})
    assert review(client, [one, rule(name="asked", phrases="REFUND", **{"in": "input"})], BEGAN + 2 * MINUTE) == 5
    assert found(client) == {
        "t0": "refund", "t1": "rückzahlung", "t2": r"\b\d{4}-\d{4}\b", "t4": "REFUND", "t5": "refund",
    }  # fmt: skip
    (first,) = [case for case in cases(client, LONG_AGO, rule="refunds") if case.trace_id == "t5"]
    assert (first.span_id, first.segment["feature"], first.at) == ("logged", "support", BEGAN + 2 * MINUTE)


def test_all_that_a_rule_asks_for_has_to_hold_within_a_trace(client: Client) -> None:
    router = {"is_call": False, "span_id": "router"}
    put(
        client,
        {"trace_id": "both", "output": "a refund"},
        {"trace_id": "both", "route_confidence": 0.312, **router},
        {"trace_id": "sure", "output": "a refund"},
        {"trace_id": "sure", "route_confidence": 0.9, **router},
        {"trace_id": "unsure", "output": "something else"},
        {"trace_id": "unsure", "route_confidence": 0.2, **router},
    )
    both = rule(phrases="refund", confidence_below=0.5)
    unsure = rule(name="unsure", confidence_below="50%")
    assert review(client, [both, unsure], BEGAN + 2 * MINUTE) == 3
    told = {(case.rule, case.trace_id): (case.found, case.span_id) for case in cases(client, LONG_AGO)}
    assert told == {
        ("refunds", "both"): ("refund, confidence 0.312", "s"),
        ("unsure", "both"): ("confidence 0.312", "router"),
        ("unsure", "unsure"): ("confidence 0.2", "router"),
    }


def test_nothing_is_found_twice_and_nothing_missed(client: Client) -> None:
    one = rule(phrases="refund")
    put(client, {"output": "refund"}, at=BEGAN + 50 * SECOND)
    assert review(client, [one], BEGAN + MINUTE) == 1
    assert review(client, [one], BEGAN + MINUTE + 29 * SECOND) == 0  # too soon to look again
    # What was being stored at the last look has an earlier time of arrival.
    put(client, {"output": "refund", "trace_id": "late"}, at=BEGAN + 40 * SECOND)
    put(client, {"output": "refund", "trace_id": "ancient", "start": LONG_AGO}, at=BEGAN + 80 * SECOND)
    assert review(client, [one], BEGAN + 2 * MINUTE) == 1
    client.command("TRUNCATE TABLE review_positions")  # a look that was cut off before it was noted
    client.insert("review_positions", [[BEGAN]], column_names=["until"])
    assert review(client, [one], BEGAN + 3 * MINUTE) == 0
    assert sorted(found(client)) == ["late", "t0"]


def test_no_more_than_so_many_an_hour(client: Client) -> None:
    one = rule(phrases="refund", per_hour=2)
    put(client, *({"output": "refund", "start": BEGAN + n * SECOND} for n in range(5)))
    assert review(client, [one], BEGAN + 2 * MINUTE) == 2
    assert sorted(found(client)) == ["t0", "t1"]
    put(client, {"output": "refund", "trace_id": "next"}, at=BEGAN + 3 * MINUTE)
    assert review(client, [one], BEGAN + 4 * MINUTE) == 0
    put(client, {"output": "refund", "trace_id": "later"}, at=BEGAN + 62 * MINUTE)
    assert review(client, [one], BEGAN + 63 * MINUTE) == 2


def test_a_pattern_that_the_engine_refuses_does_not_hold_up_the_others(client: Client) -> None:
    put(client, {"output": "refund"})
    with pytest.raises(StoreError, match="looking for the review rule 'broken'"):
        review(client, [rule(name="broken", patterns=r"\Z"), rule(phrases="refund")], BEGAN + 2 * MINUTE)
    assert list(found(client)) == ["t0"]


def test_a_label_closes_a_case(client: Client) -> None:
    put(client, {"output": "refund"}, {"output": "refund"})
    review(client, [rule(phrases="refund")], BEGAN + 2 * MINUTE)
    label = {"trace_id": "t0", "span_id": "s", "request_start": BEGAN, "at": BEGAN, "name": "quality"}
    label |= {"source": "human", "evaluator": "ada", "score": 0.0, "label": "fail"}
    client.insert("evaluations", [list(label.values())], column_names=list(label))
    assert [case.trace_id for case in cases(client, LONG_AGO)] == ["t1"]
    assert len(cases(client, LONG_AGO, every=True)) == 2
    assert cases(client, LONG_AGO, rule="other") == cases(client, BEGAN + timedelta(hours=1)) == []


def test_people_take_the_cases_into_a_file_and_label_them(client: Client, store_url: str, tmp_path: Path) -> None:
    put(client, {"output": "We refund you", "input": "Can I send it back?"})
    review(client, [rule(phrases="refund")], BEGAN + 2 * MINUTE)

    def said(*command: str) -> str:
        result = CliRunner().invoke(app, ["labels", *command, "--store", store_url], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    assert "refunds" in said("review")
    file = tmp_path / "cases.csv"
    assert said("review", str(file)).startswith("1 answers are in ")
    (row,) = csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    assert (row["trace_id"], row["output"], row["probability"]) == ("t0", "We refund you", "")
    assert "nothing waits for review" in said("review", "--rule", "another")
