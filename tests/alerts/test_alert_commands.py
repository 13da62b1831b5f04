"""``driftline alerts``: what is wrong now, and what people do about it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from alert_support import step_of
from driftline.errors import DriftlineError
from driftline_alerts.actions import said, silences
from driftline_alerts.transition import write
from driftline_cli.app import app

if TYPE_CHECKING:
    from driftline_store.client import Client

NOW = datetime.now(UTC)


def run(command: str, store_url: str) -> str:
    result = CliRunner().invoke(app, ["alerts", *command.split(), "--store", store_url], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_open_alerts_are_listed_acknowledged_and_silenced(client: Client, store_url: str) -> None:
    assert run("list", store_url).strip() == "no alert is open"
    write(client, [step_of(feature="support", at=NOW), step_of(feature="search", at=NOW, state="resolved")])
    (row,) = json.loads(run("list --json", store_url))
    assert (row["incident"], row["rule"], row["state"], row["segment"]) == (
        "i",
        "slow",
        "firing",
        {"feature": "support"},
    )
    assert "feature support" in run("list", store_url)

    run("ack i --why mine", store_url)
    (asked,) = said(client, NOW - timedelta(minutes=1))
    assert (asked.kind, asked.incident, asked.why) == ("acknowledge", "i", "mine")

    assert run("silence --feature support --for 2h", store_url).startswith("silent until")
    (silence,) = silences(client, datetime.now(UTC))
    assert silence.segment == (("feature", "support"),)
    assert "nobody is silenced" in run("silence --feature support --for 0m", store_url)
    assert silences(client, datetime.now(UTC)) == []


def test_what_somebody_looks_after_already_is_not_acknowledged_again(client: Client, store_url: str) -> None:
    write(client, [step_of(at=NOW)])
    run("ack i --why mine", store_url)
    with pytest.raises(DriftlineError, match=r"incident 'i': .* has acknowledged it already"):
        run("ack i", store_url)
    assert len(said(client, NOW - timedelta(minutes=1))) == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("ack j", "no open incident is 'j'; known are: i"),
        ("silence", "say what to silence"),
        ("silence i --for soon", "--for must be a time such as 15m"),
        ("silence k --for 1h", "no open incident is 'k'"),
    ],
)
def test_mistakes_are_told(client: Client, store_url: str, command: str, said: str) -> None:
    write(client, [step_of(at=NOW)])
    with pytest.raises(DriftlineError, match=said):
        run(command, store_url)
