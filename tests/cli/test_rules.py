"""``driftline rules``: what it says about a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from driftline.errors import SettingsError
from driftline_cli.app import app

if TYPE_CHECKING:
    from pathlib import Path


def said(*command: str) -> str:
    result = CliRunner().invoke(app, ["rules", *command], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_file_that_is_right_and_one_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    right = "defaults: false\nrules:\n  - {name: slow, metric: latency_p95, window: 15m, above: 3}\n"
    file.write_text(f"{right}review: [{{name: refunds, phrases: refund}}]\n", encoding="utf-8")
    assert said("check", str(file)) == "right: 1 rules, 1 review rules, 0 channels, 0 routes\n"
    file.write_text(right.replace("15m", "soon").replace("3}", "3, fro: 5m}"), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        said("check", str(file))
    assert str(caught.value).splitlines() == [
        f"{file} line 3, column 47: rule 'slow': 'window' must be a time such as 15m, 1h or 7d, not 'soon'",
        f"{file} line 3, column 63: rule 'slow': 'fro' is unknown; did you mean 'for'?",
    ]
