"""Rules for answers, from the table to the columns and sums."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from driftline.errors import SettingsError
from driftline.settings import load
from driftline_processors import checks
from driftline_processors.checks import Check
from driftline_processors.install import install
from driftline_processors.judge.config import load_checks
from driftline_processors.views.spans import SPAN_VIEWS
from made_spans import request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline_store.client import Client
    from ingest_support import Pipeline

CAPITAL = Check("names the capital", "required", pattern="paris|berlin")
NO_LINK = Check("no link", "forbidden", feature="support", pattern=r"https?://")
SHORT = Check("short", "length", feature="support", longest=40)
PARSES = Check("parses", "json", feature="extract")


@pytest.fixture
def client(pipeline: Pipeline) -> Iterator[Client]:
    yield pipeline.client
    for check in checks.active(pipeline.client):
        if check not in checks.DEFAULTS:
            checks.remove(pipeline.client, check.name)
    for check in checks.DEFAULTS:
        checks.put(pipeline.client, check)


def answered(pipeline: Pipeline, answer: Any, feature: str = "support", **values: Any) -> dict[str, Any]:
    """The row of a call that gave this answer."""
    trace = secrets.token_bytes(16)
    told = {"driftline.feature": feature, "gen_ai.output.messages": answer} | values
    pipeline.send(request(told, trace_id=trace))
    [row] = pipeline.rows("SELECT * FROM llm_spans WHERE trace_id = {trace:String}", trace=trace.hex())
    return row


def messages(text: str) -> str:
    return json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": text}]}])


def test_an_answer_fails_the_rules_that_it_breaks(pipeline: Pipeline, client: Client) -> None:
    for check in (CAPITAL, NO_LINK, SHORT):
        checks.put(client, check)
    row = answered(pipeline, messages("See HTTPS://example.com for all about the city of Paris, please"))
    assert (row["checks"], sorted(row["failed_checks"])) == (3, ["no link", "short"])
    row = answered(pipeline, messages("Berlin."))
    assert (row["checks"], row["failed_checks"]) == (3, [])
    row = answered(pipeline, messages("I like https://example.com"), feature="sales")
    assert (row["checks"], row["failed_checks"]) == (1, ["names the capital"])


DECLARED = """\
evaluators:
  - {name: invoice, kind: check, applies: {features: [extract]}, json_schema: {type: object, required: [total]}}
  - {name: it's english, kind: check, language: en}
  - {name: not read here, kind: judge, rate: wrong}
"""


def test_checks_of_the_file_are_run_beside_the_others_until_they_are_taken_away(
    pipeline: Pipeline, client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "evaluators.yaml"
    file.write_text(DECLARED, encoding="utf-8")
    declared = load_checks(load({}, evaluators_file=str(file)))
    checks.put(client, SHORT)
    spans = [SPAN_VIEWS[0].name]
    try:
        assert install(client, declared=declared) == []
        assert "others than those in force; they are taken over by driftline migrate" in caplog.text
        assert install(client, replace=True, declared=declared) == spans
        assert install(client, declared=declared) == install(client) == []

        row = answered(pipeline, messages('{"total": 12.5}'), feature="extract")
        assert (row["checks"], row["failed_checks"]) == (2, [])
        row = answered(pipeline, messages('{"sum": 12.5}'), feature="extract")
        assert (row["checks"], row["failed_checks"]) == (2, ["invoice"])
        german = "Das ist die Antwort, und sie ist nicht auf Englisch, wie es für den Kunden sein sollte."
        row = answered(pipeline, messages(german), feature="support")
        assert (row["checks"], sorted(row["failed_checks"])) == (2, ["it's english", "short"])
        row = answered(pipeline, "", feature="extract")
        assert (row["checks"], row["failed_checks"]) == (0, [])
        sums = "SELECT sum(checked) AS checked, sum(check_failed) AS failed FROM llm_rollups WHERE resolution = 'day'"
        assert pipeline.rows(sums) == [{"checked": 3, "failed": 2}]
    finally:
        assert install(client, replace=True, declared=()) == spans
    assert answered(pipeline, messages('{"sum": 1}'), feature="extract")["failed_checks"] == []


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ('{"a": [1, 2]}', []),
        ("[1, 2]", []),
        (messages('{"a": 1}'), []),
        (json.dumps([{"role": "assistant", "content": '{"a": 1}'}]), []),
        (messages('{"a": 1'), ["parses"]),
        (messages("Sure! Here is your JSON: {}"), ["parses"]),
        ("no", ["parses"]),
    ],
)
def test_json_is_looked_for_in_the_text_of_the_answer(
    pipeline: Pipeline, client: Client, answer: str, failed: list[str]
) -> None:
    checks.put(client, PARSES)
    assert answered(pipeline, answer, feature="extract")["failed_checks"] == failed


@pytest.mark.parametrize("values", [{"gen_ai.operation.name": "embeddings"}, {"gen_ai.operation.name": "execute_tool"}])
def test_what_is_no_answer_is_not_checked(pipeline: Pipeline, client: Client, values: dict[str, str]) -> None:
    checks.put(client, CAPITAL)
    row = answered(pipeline, "", **values) if "embeddings" in values.values() else None
    assert row is None or row["checks"] == 0
    assert answered(pipeline, "")["checks"] == 0


def test_failures_are_summed_by_rule(pipeline: Pipeline, client: Client) -> None:
    for check in (CAPITAL, NO_LINK):
        checks.put(client, check)
    for text in ("Paris", "Rome", "Rome: http://rome.example"):
        answered(pipeline, messages(text))
    [row] = pipeline.rows(
        "SELECT sum(checked) AS checked, sum(check_failed) AS failed, sumMap(check_failures) AS failures "
        "FROM llm_rollups WHERE resolution = 'hour'"
    )
    assert row == {"checked": 3, "failed": 2, "failures": {"names the capital": 2, "no link": 1}}


def test_a_fallback_is_what_the_table_says(pipeline: Pipeline, client: Client) -> None:
    assert answered(pipeline, messages("I don't know that."))["fallback_reason"] == "dont_know"
    checks.put(client, Check("closed", "fallback", feature="support", pattern="our office is closed"))
    assert answered(pipeline, messages("Sorry, OUR office is closed."))["fallback_reason"] == "closed"
    assert answered(pipeline, messages("Our office is closed."), feature="sales")["fallback_reason"] == ""
    checks.remove(client, "dont_know")
    assert answered(pipeline, messages("I don't know that."))["fallback_reason"] == ""
    checks.preload(client)
    assert "dont_know" not in {check.name for check in checks.active(client)}, "what was removed stays so"


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (Check("x", "forbidden", pattern="(?=a)b"), "look-around"),
        (Check("x", "forbidden", pattern="(unclosed"), "cannot use the pattern"),
        (Check("x", "forbidden"), "needs a pattern"),
        (Check("x", "json", pattern="a"), "takes no pattern"),
        (Check("x", "maybe"), "kind must be one of"),
        (Check("", "json"), "needs a name"),
        (Check("x", "length", shortest=9, longest=3), "must not be above"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(client: Client, check: Check, told: str) -> None:
    before = checks.active(client)
    with pytest.raises(SettingsError, match=told):
        checks.put(client, check)
    assert checks.active(client) == before


def test_removing_a_rule_that_is_not_there_names_those_that_are(client: Client) -> None:
    with pytest.raises(SettingsError, match="dont_know"):
        checks.remove(client, "nothing")
