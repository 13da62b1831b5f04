"""A purge removes a person from every table; rows and sums still agree; cut off, it is completed by its repeat."""

from __future__ import annotations

import hashlib
import re
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from typer.testing import CliRunner, Result

from driftline.errors import DriftlineError
from driftline.settings import load
from driftline_cli.app import app
from driftline_cli.purge import run, subject
from driftline_processors.prepare import prepare
from driftline_store import purge
from driftline_store.holdings import HOLDINGS, NOTHING
from driftline_store.purge import Subject
from made_spans import request
from processors_support import enqueue
from store_fixtures import running_store

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client
    from ingest_support import Pipeline

ALICE, BOB = "alice@example.com", "bob@example.com"
SECRET, OTHER = "my account is 4711", "my account is 0815"
TRACES = {ALICE: bytes([1]) * 16, BOB: bytes([2]) * 16}
PEOPLE = {ALICE: (SECRET, "session-of-alice", "response-to-alice"), BOB: (OTHER, "session-of-bob", "response-to-bob")}


def fill(pipeline: Pipeline) -> None:
    """Everything that can be stored about two people."""
    client, messages = pipeline.client, []
    for person, (text, session, response) in PEOPLE.items():
        trace = TRACES[person]
        values = {
            "user.id": person,
            "gen_ai.conversation.id": session,
            "gen_ai.response.id": response,
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.input.messages": text,
            "gen_ai.output.messages": text,
            "gen_ai.system_instructions": text,
            "my.own": f"{person} said {text}",
        }
        root = request(values, trace_id=trace, failed=True)
        child = request({"my.own": text}, trace_id=trace, span_id=b"child678", parent_span_id=b"12345678")
        # Two messages that no protobuf reader takes, about the person by name and about the trace by its bytes.
        messages += [root, child, b"\xff\xff" + person.encode(), b"\xff\xff" + trace]
        enqueue(client, trace_id=trace.hex(), input=text, output=text)
        insert(client, "llm_content", trace_id=trace.hex(), input=text)
        insert(client, "evaluations", trace_id=trace.hex(), name="a", label="thumbs_up", explanation=text, score=1.0)
        insert(client, "evaluations", response_id=response, name="b", explanation=text, error=text)
    pipeline.send(*messages)


def insert(client: Client, table: str, **values: Any) -> None:
    client.insert(table, [list(values.values())], column_names=list(values))


def tables(client: Client) -> dict[str, str]:
    """The store's tables and their engines."""
    query = (
        "SELECT name, engine FROM system.tables WHERE database = currentDatabase() "
        "AND engine NOT IN ('MaterializedView', 'Dictionary')"
    )
    return {str(name): str(engine) for name, engine in client.query(query).result_rows}


def mentions(client: Client, *texts: str) -> dict[str, int]:
    """In how many rows of each table any of the texts stands, in any column."""
    found = {}
    for table, engine in tables(client).items():
        if engine != "Null":
            sought = " OR ".join(f"position(formatRow('RowBinary', *), '{text}') > 0" for text in texts)
            found[table] = int(client.query(f"SELECT count() FROM {table} WHERE {sought}").result_rows[0][0])
    return {table: rows for table, rows in found.items() if rows}


def do(client: Client, who: Subject) -> dict[str, int]:
    found = purge.find(client, who)
    rows = purge.count(client, found)
    purge.record(client, found, who, "tester", rows)
    purge.carry_out(client, found)
    purge.forget(client, found)
    return rows


SUBJECTS = [Subject("user", ALICE), Subject("session", "session-of-alice"), Subject("trace", TRACES[ALICE].hex())]


@pytest.mark.parametrize("who", SUBJECTS, ids=lambda who: who.kind)
def test_a_person_is_gone_from_every_table_and_nobody_else(pipeline: Pipeline, who: Subject) -> None:
    fill(pipeline)
    client = pipeline.client
    traces = TRACES[ALICE].hex()
    others = mentions(client, BOB, OTHER, *PEOPLE[BOB])
    assert mentions(client, SECRET).keys() == {"llm_spans", "llm_content", "judge_queue", "evaluations"}

    rows = do(client, who)

    letters = 2 if who.kind == "user" else 1  # one names only the user
    found = {table: count for table, count in rows.items() if count}
    assert found == {"judge_queue": 1, "llm_content": 1, "dead_letters": letters, "evaluations": 2, "llm_spans": 2}
    assert mentions(client, SECRET, "session-of-alice", "response-to-alice") == {}
    assert mentions(client, ALICE).keys() == (set() if who.kind == "user" else {"dead_letters"})
    assert mentions(client, traces).keys() == {"llm_spans", "evaluations", "purged_traces"}, "random numbers"
    assert mentions(client, BOB, OTHER, *PEOPLE[BOB]) == others
    assert client.query("SELECT trace_id FROM purged_traces FINAL").result_rows == [(traces,)]
    assert client.query("SELECT count() FROM purge_marks").result_rows == [(0,)]
    [[kind, sha256, by]] = client.query("SELECT kind, sha256, by FROM purges ORDER BY at DESC LIMIT 1").result_rows
    assert (kind, sha256, by) == (who.kind, hashlib.sha256(who.id.encode()).hexdigest(), "tester")


def test_rows_and_sums_still_agree(pipeline: Pipeline) -> None:
    fill(pipeline)
    before = pipeline.sums()
    figures = "SELECT count(), sum(input_tokens), sum(cost), countIf(is_error) FROM llm_spans"
    rows = pipeline.rows(figures)
    do(pipeline.client, Subject("user", ALICE))
    assert pipeline.sums() == before
    assert pipeline.rows(figures) == rows
    assert before["calls"] == 4


def test_no_statement_that_the_engine_keeps_has_the_id_in_it(pipeline: Pipeline) -> None:
    fill(pipeline)
    do(pipeline.client, Subject("user", ALICE))
    [row] = pipeline.rows("SELECT count() AS n FROM system.mutations WHERE position(command, 'alice') > 0")
    assert row["n"] == 0


@pytest.mark.parametrize("statements", [0, len(HOLDINGS) // 2, len(HOLDINGS) - 1])
def test_a_purge_that_was_cut_off_is_completed_by_its_repeat(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, statements: int
) -> None:
    fill(pipeline)
    client = pipeline.client
    found = purge.find(client, Subject("user", ALICE))
    purge.carry_out(client, found, HOLDINGS[:statements])  # the crash came here
    do(client, Subject("user", ALICE))
    client.command(f"ALTER TABLE purge_marks DROP PARTITION '{found}'")
    assert mentions(client, SECRET, *PEOPLE[ALICE], ALICE) == {}


def test_a_redo_of_a_batch_brings_nothing_back(pipeline: Pipeline) -> None:
    fill(pipeline)
    do(pipeline.client, Subject("user", ALICE))
    before = pipeline.rows("SELECT count() AS n FROM llm_spans")
    ingest = pipeline.ingests["otlp_spans"]
    pipeline.producer.send("otlp_spans", request({"user.id": "carol"}, trace_id=bytes([3]) * 16))
    batch = ingest.consumer.take(max_bytes=10**6, timeout=5)
    assert batch is not None
    ingest._store(batch)
    do(pipeline.client, Subject("user", "carol"))
    ingest._store(batch)
    assert mentions(pipeline.client, "carol") == {}
    assert pipeline.rows("SELECT count() AS n FROM llm_spans") == [{"n": before[0]["n"] + 1}]


def test_every_table_is_classified(prepared: Client) -> None:
    """A new table has to be listed as something that a purge empties, or that holds nothing about persons."""
    listed = [holding.table for holding in HOLDINGS] + list(NOTHING)
    assert sorted(listed) == sorted(tables(prepared))


@pytest.mark.parametrize("holding", [holding for holding in HOLDINGS if holding.emptied], ids=lambda one: one.table)
def test_every_column_of_free_text_is_classified(prepared: Client, holding: Any) -> None:
    """A new column of text in a table whose rows stay has to be listed as emptied or kept."""
    described = prepared.query(f"DESCRIBE TABLE {holding.table}").result_rows
    texts = {row[0] for row in described if "String" in row[1].replace("LowCardinality(String)", "")}
    assert texts == {*holding.emptied, *holding.kept}


def test_spans_are_the_last_to_be_emptied() -> None:
    """The ids are found in them, so what was emptied before is found again after a crash."""
    assert HOLDINGS[-1].table == "llm_spans"


def test_an_id_that_is_stored_nowhere_is_fine(pipeline: Pipeline) -> None:
    fill(pipeline)
    assert set(do(pipeline.client, Subject("user", "nobody' OR 1=1 --")).values()) == {0}
    assert set(do(pipeline.client, Subject("trace", "not hexadecimal")).values()) == {0}


def test_exactly_one_subject_is_asked_for() -> None:
    assert subject(user="a", session=None, trace=None) == Subject("user", "a")
    assert subject(user=None, session=None, trace="AB") == Subject("trace", "ab")
    for given in ({"user": "a", "trace": "b"}, {"user": None}, {"user": ""}):
        with pytest.raises(DriftlineError, match="exactly one of --user"):
            subject(**given)


@pytest.mark.slow
def test_the_command_shows_asks_and_removes(tmp_path: Path) -> None:
    def command(*arguments: str, answer: str = "") -> Result:
        environ = {"DRIFTLINE_DATA_DIR": str(tmp_path), "COLUMNS": "200"}
        return CliRunner().invoke(app, ["purge", *arguments], input=answer, env=environ)

    with running_store(tmp_path, prepared=True) as store, closing(store.client()) as client:
        prepare(load({}, data_dir=str(tmp_path))).close()
        insert(client, "llm_spans", trace_id="t", start=datetime.now(UTC), user_id=ALICE, input=SECRET)
        for refused in (command("--user", ALICE, "--dry-run"), command("--user", ALICE, answer="n\n")):
            assert re.search("llm_spans +1 +emptied: user_id", refused.output)
            assert "nothing was changed" in refused.output
        assert mentions(client, ALICE) == {"llm_spans": 1}
        done = command("--user", ALICE, "--yes")
        assert done.exit_code == 0, done.exception
        assert "72 hours after they were stored" in done.output
        assert ALICE not in done.output
        assert mentions(client, ALICE, SECRET) == {}
        assert "exactly one" in str(command().exception)


def test_a_failure_leaves_no_marks(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pipeline.client
    monkeypatch.setattr("driftline_cli.purge.connect", lambda _: client)
    monkeypatch.setattr(client, "close", lambda: None)

    def fail(*_: Any) -> bool:
        raise DatabaseError("gone")

    with pytest.raises(DatabaseError):
        run(load({}), Subject("user", ALICE), dry_run=False, confirm=fail)
    assert client.query("SELECT count() FROM purge_marks").result_rows == [(0,)]
