"""``driftline checks`` by the commands of its page."""

from __future__ import annotations

import contextlib
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from driftline.errors import DriftlineError
from driftline_cli.app import app
from driftline_processors import checks
from driftline_store.client import connect
from store_fixtures import running_store

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs/checks.md"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a store."""
    folder = tmp_path_factory.mktemp("checks")
    with running_store(folder, prepared=True):
        yield folder


def run(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"DRIFTLINE_DATA_DIR": str(path), "COLUMNS": "200"})


def test_the_commands_of_the_page_do_what_it_says(path: Path) -> None:
    commands = re.findall(r"^    driftline (checks .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 7
    for command in commands:
        done = run(path, *shlex.split(command))
        assert done.exit_code == 0, done.exception
    with contextlib.closing(connect(path)) as client:
        rules = {check.name: check for check in checks.active(client)}
    assert rules.keys() == {"no-link", "signs-off", "parses", "closed", "dont_know", "refusal", "handover"}
    assert rules["no-link"] == checks.Check("no-link", "forbidden", "support", "https?://")
    shown = run(path, "checks", "list").output
    assert re.search(r"^ *no-link +forbidden +support +https\?://", shown, re.MULTILINE), shown
    assert re.search(r"^ *parses +json +extract +can be parsed as JSON", shown, re.MULTILINE), shown


def test_a_rule_that_cannot_be_used_is_refused_with_the_reason(path: Path) -> None:
    done = run(path, "checks", "set", "x", "--kind", "forbidden", "--pattern", "(?=a)b")
    assert isinstance(done.exception, DriftlineError)
    assert "look-around and back-references are not supported" in str(done.exception)
