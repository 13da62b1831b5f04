"""``driftline rules``: what it says about a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from driftline.errors import SettingsError, StoreError
from driftline_cli.app import app

if TYPE_CHECKING:
    from pathlib import Path

    from driftline.settings import Settings


def said(*command: str) -> str:
    result = CliRunner().invoke(app, ["rules", *command], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


CHANNELS = """\
defaults: false
rules: [{name: slow, metric: latency_p95, window: 15m, above: 3}]
channels:
  support: {kind: slack, webhook_url: "${NOWHERE_SET}"}
  bot: {kind: slack, token: "${NOWHERE_SET}", channel: C0123456789}
  hook: {kind: webhook, url: "${NOWHERE_SET}", secret: "${NOWHERE_SET}"}
  oncall: {kind: pagerduty, routing_key: "${NOWHERE_SET}"}
"""


def test_a_file_is_checked_without_the_secrets_of_its_channels_if_one_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(CHANNELS, encoding="utf-8")
    with pytest.raises(SettingsError, match="NOWHERE_SET, which is not set"):
        said("check", str(file))
    assert said("check", str(file), "--without-secrets") == "right: 1 rules, 0 review rules, 4 channels, 0 routes\n"
    with pytest.raises(SettingsError, match="NOWHERE_SET, which is not set"):
        said("check", str(file))
    wrong = CHANNELS.replace('token: "${NOWHERE_SET}"', "token: xoxb-written").replace("routing_key", "key")
    file.write_text(f"{wrong}routes: [{{channels: nobody}}]\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        said("check", str(file), "--without-secrets")
    told = str(caught.value)
    assert all(one in told for one in ("'token' must name a variable", "'key' is unknown", "'nobody' is no channel"))


def test_what_would_have_fired_is_shown_without_the_secrets_of_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connected(_: Settings) -> None:
        raise StoreError("nothing else is wrong")

    monkeypatch.setattr("driftline_store.client.connect", connected)
    file = tmp_path / "mine.yaml"
    file.write_text(CHANNELS, encoding="utf-8")
    with pytest.raises(StoreError, match="nothing else is wrong"):
        said("preview", str(file))


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
