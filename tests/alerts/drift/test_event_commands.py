"""``driftline event`` and ``driftline events`` by the commands of their page."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from driftline_cli.app import app

PAGE = Path(__file__).parents[3] / "docs/events.md"
COMMANDS = re.findall(r"^    driftline (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def run(command: str, store_url: str) -> str:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*shlex.split(command), "--store", store_url])
    assert done.exception is None, done.exception
    return done.stdout


def test_the_commands_of_the_page_do_what_it_says(store_url: str) -> None:
    said = {command: run(command, store_url) for command in COMMANDS}
    assert len(said) == 5
    found = json.loads(run("events --json --days 4000", store_url))
    assert [(one["text"], one["kind"], one["segment"]) for one in found] == [
        ("new retriever index", "deploy", {}),
        ("refund policy rewritten", "content", {"feature": "support"}),
        ("release 41", "deploy", {"environment": "production"}),
    ]
    at = datetime.fromisoformat(found[1]["at"])
    assert abs(datetime.now(UTC) - timedelta(hours=2) - at) < timedelta(minutes=5)
    assert re.search(r"content +feature=support +refund policy rewritten +told", said["events"]), said["events"]


def test_an_event_without_words_is_refused(store_url: str) -> None:
    done = CliRunner().invoke(app, ["event", " ", "--store", store_url])
    assert "needs a text and a kind" in str(done.exception)
