"""``driftline checks`` by the commands of its page."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from driftline.settings import load
from driftline_processors import checks
from driftline_processors.prepare import prepare
from store_fixtures import running_store

PAGE = Path(__file__).parents[2] / "docs/checks.md"


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"DRIFTLINE_DATA_DIR": str(path), "COLUMNS": "200"}
    command = [sys.executable, "-m", "driftline_cli", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    commands = re.findall(r"^    driftline (checks .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) == 7
    with running_store(tmp_path, prepared=True):
        client = prepare(load({}, data_dir=str(tmp_path)))
        for command in commands:
            done = run(tmp_path, *shlex.split(command))
            assert done.returncode == 0, done.stderr
        rules = {check.name: check for check in checks.active(client)}
        assert rules.keys() == {"no-link", "signs-off", "parses", "closed", "dont_know", "refusal", "handover"}
        assert rules["no-link"] == checks.Check("no-link", "forbidden", "support", "https?://")
        shown = run(tmp_path, "checks", "list").stdout
        assert re.search(r"^ *no-link +forbidden +support +https\?://", shown, re.MULTILINE), shown
        assert re.search(r"^ *parses +json +extract +can be parsed as JSON", shown, re.MULTILINE), shown


def test_a_rule_that_cannot_be_used_is_refused_with_the_reason(tmp_path: Path) -> None:
    with running_store(tmp_path, prepared=True):
        prepare(load({}, data_dir=str(tmp_path))).close()
        done = run(tmp_path, "checks", "set", "x", "--kind", "forbidden", "--pattern", "(?=a)b")
        assert done.returncode != 0
        assert "look-around and back-references are not supported" in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
