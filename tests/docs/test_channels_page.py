"""The page about channels: its examples are read, and it leaves no kind and no promise out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from driftline_alerts.channels import CONFIGS
from driftline_alerts.channels.slack_blocks import BUTTONS
from driftline_cli.channels_reference import table

PAGE = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")


def test_the_example_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLACK_SUPPORT", "PAGERDUTY_KEY"):
        monkeypatch.setenv(name, "https://hooks.example/x")
    (file,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for name, channel in yaml.safe_load(file)["channels"].items():
        assert CONFIGS[channel["kind"]].model_validate(channel).build(name, "").channel == name


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_kind_has_its_keys_and_its_promise(kind: str) -> None:
    assert f"<!-- keys of {kind} -->\n{table(CONFIGS[kind])}\n" in PAGE
    assert re.search(rf"^\| `{kind}`.* once", PAGE, re.MULTILINE)


def test_all_buttons_are_named() -> None:
    assert [label for label in BUTTONS.values() if f"*{label}*" not in PAGE] == []
