"""``driftline dead-letters``: a message that could not be stored is found, shown, mended and stored once."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC, open_bus
from driftline.errors import BusError, DriftlineError
from driftline_cli.app import app
from driftline_cli.status import _COUNTS
from driftline_processors import dead_letters
from driftline_processors.resend import resend
from ingest_support import Pipeline, captured, captured_logs, span_ids
from receiver_support import MemoryProducer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline_store.client import Client
    from store_fixtures import RunningStore

GENAI = "otel-genai-openai-1.3b0"
WHOLE = captured(GENAI, "chat")
CUT = WHOLE[:-40]
PLACE = f"{SPANS_TOPIC}/0/1"


@dataclass
class Desk:
    """A pipeline with one bad message between two good ones, and the command line beside it."""

    pipeline: Pipeline
    client: Client
    options: dict[str, str]

    def run(self, command: str, *arguments: str) -> Result:
        needed = ("--store",) if command in {"list", "show", "export", "discard"} else ("--store", "--bus")
        options = [word for name in needed for word in (name, self.options[name])]
        return CliRunner().invoke(app, ["dead-letters", command, *arguments, *options])

    def said(self, command: str, *arguments: str) -> str:
        result = self.run(command, *arguments)
        assert result.exit_code == 0, result.output or result.exception
        return result.output

    def refused(self, command: str, *arguments: str) -> str:
        result = self.run(command, *arguments)
        assert isinstance(result.exception, DriftlineError), result.output
        return str(result.exception)

    def open_letters(self) -> int:
        return int(self.client.query(_COUNTS["open dead letters"]).result_rows[0][0])


@pytest.fixture(scope="module")
def prepared(embedded_store: RunningStore) -> Iterator[Client]:
    with contextlib.closing(embedded_store.client()) as client:
        yield client


@contextlib.contextmanager
def opened(store: RunningStore, client: Client, folder: Path) -> Iterator[Desk]:
    for table in ("llm_spans", "dead_letters", "dead_letter_actions"):
        client.command(f"TRUNCATE TABLE {table}")
    place, bus_url = store.endpoint, f"sqlite:///{folder / 'bus.db'}"
    store_url = f"clickhouse://{place.user}:{place.password}@{place.host}:{place.port}/{client.database}"
    with open_bus(bus_url) as bus, Pipeline.open(bus, client) as pipeline:
        pipeline.send(captured(GENAI, "responses"), CUT, captured(GENAI, "embeddings"))
        yield Desk(pipeline, client, {"--store": store_url, "--bus": bus_url})


@pytest.fixture
def desk(embedded_store: RunningStore, prepared: Client, tmp_path: Path) -> Iterator[Desk]:
    with opened(embedded_store, prepared, tmp_path) as found:
        yield found


@pytest.fixture(scope="class")
def common_desk(
    embedded_store: RunningStore, prepared: Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """For tests that change nothing."""
    with opened(embedded_store, prepared, tmp_path_factory.mktemp("desk")) as found:
        yield found


def test_a_letter_is_listed_with_its_place_and_error_and_counted_as_open(desk: Desk) -> None:
    desk.pipeline.send_logs(captured_logs("openlit-1.45.0", "chat")[:-1])
    said = desk.said("list")
    assert PLACE in said
    assert f"{LOGS_TOPIC}/0/0" in said
    assert "Attempt to read after eof" in said or "corrupted" in said
    assert desk.open_letters() == 2
    assert LOGS_TOPIC not in desk.said("list", "--topic", SPANS_TOPIC).partition("place")[2]


def test_a_letter_is_shown_with_what_can_be_read_and_where_it_breaks(desk: Desk) -> None:
    said = desk.said("show", PLACE)
    assert f"{len(CUT)} bytes" in said.replace(",", "")
    assert "should have" in said
    assert "'gpt-4o-mini'" in said, "what stands before the break"
    assert re.search(r"^> +\d+  (.*?)  ", said, re.MULTILINE)[1] in CUT[-400:].hex(" "), "the bytes at the break"  # type: ignore[index]


def test_a_mended_letter_is_stored_once_and_no_longer_open(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "letter.bin"
    desk.said("export", PLACE, str(file))
    assert file.read_bytes() == CUT
    assert "cannot be read" in desk.refused("resend", PLACE, "--file", str(file)), "still broken"

    file.write_bytes(WHOLE)
    assert PLACE in desk.said("resend", PLACE, "--file", str(file))
    desk.pipeline.drain()

    assert desk.pipeline.span(*span_ids(WHOLE)[0])["operation"] == "chat"
    assert desk.open_letters() == 0
    assert PLACE not in desk.said("list")
    assert "sent" in desk.said("list", "--all")


def test_sending_twice_is_refused_unless_forced(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "letter.bin"
    file.write_bytes(WHOLE)
    desk.said("resend", PLACE, "--file", str(file))
    assert "--force" in desk.refused("resend", PLACE, "--file", str(file))
    desk.pipeline.drain()
    desk.pipeline.span(*span_ids(WHOLE)[0])

    desk.said("resend", PLACE, "--file", str(file), "--force")
    desk.pipeline.drain()
    assert len(desk.pipeline.rows("SELECT 1 FROM llm_spans WHERE span_id = {id:String}", id=span_ids(WHOLE)[0][1])) == 2


def test_all_letters_are_tried_and_those_that_cannot_be_read_are_told(desk: Desk) -> None:
    # As if this version had learnt to read it.
    good = captured(GENAI, "chat_error_429")
    row = ["", SPANS_TOPIC, 0, 7, "an older fault", good]
    desk.client.insert("dead_letters", [row], ["bus_id", "topic", "partition", "offset", "error", "value"])
    result = desk.run("resend", "--all")
    assert "1 of 2" in str(result.exception)
    assert f"{SPANS_TOPIC}/0/7 was sent" in result.output
    desk.pipeline.drain()
    desk.pipeline.span(*span_ids(good)[0])
    assert desk.open_letters() == 1


def test_a_resend_whose_end_is_unknown_stays_open_and_is_not_repeated(desk: Desk) -> None:
    with pytest.raises(BusError):
        resend(desk.client, MemoryProducer(away=True), dead_letters.find(desk.client, PLACE), fixed=WHOLE)
    assert "unconfirmed" in desk.said("list")
    assert desk.open_letters() == 1
    assert "look whether its spans are stored" in desk.refused("resend", PLACE)


def test_two_runs_at_once_do_not_both_send(desk: Desk) -> None:
    seen_by_both = dead_letters.find(desk.client, PLACE)
    resend(desk.client, desk.pipeline.producer, seen_by_both, fixed=WHOLE)
    with pytest.raises(dead_letters.DeadLetterError, match="another run"):
        resend(desk.client, desk.pipeline.producer, seen_by_both, fixed=WHOLE)
    desk.pipeline.drain()
    desk.pipeline.span(*span_ids(WHOLE)[0])
    assert desk.open_letters() == 0


def test_a_discarded_letter_is_closed_and_kept(desk: Desk, tmp_path: Path) -> None:
    assert "1 discarded" in desk.said("discard", PLACE)
    assert desk.open_letters() == 0
    assert "discarded" in desk.said("list", "--all")
    assert "discarded" in desk.refused("resend", PLACE)
    desk.said("export", PLACE, str(tmp_path / "kept"))
    assert (tmp_path / "kept").read_bytes() == CUT


def test_letters_of_a_topic_that_was_created_again_are_told_apart(desk: Desk) -> None:
    row = ["other-log", SPANS_TOPIC, 0, 1, "an error", b"\x00"]
    desk.client.insert("dead_letters", [row], ["bus_id", "topic", "partition", "offset", "error", "value"])
    assert f"other-log/{PLACE}" in desk.refused("show", PLACE)
    assert "an error" in desk.said("show", f"other-log/{PLACE}")
    desk.said("discard", f"other-log/{PLACE}")
    assert desk.open_letters() == 1


class TestWrongUse:
    @pytest.mark.parametrize(
        ("command", "arguments", "says"),
        [
            ("show", ["otlp_spans/0/999"], "no dead letter is at"),
            ("show", ["42"], "named by its place"),
            ("resend", [], "--all"),
            ("resend", [PLACE, "--all"], "--all"),
            ("resend", ["--all", "--file", "x"], "name the one letter"),
            ("resend", [PLACE, "--file", "/nowhere"], "cannot be read"),
            ("export", [PLACE, "/nowhere/file"], "cannot be written"),
        ],
    )
    def test_it_says_what_to_do(self, common_desk: Desk, command: str, arguments: list[str], says: str) -> None:
        assert says in common_desk.refused(command, *arguments)
