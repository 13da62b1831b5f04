"""``driftline prices`` on a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from driftline.settings import load
from driftline_cli.app import app
from driftline_processors.prepare import prepare
from processors_support import send
from store_fixtures import running_store

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def usage(provider: str, model: str) -> dict[str, str | int]:
    return {
        "gen_ai.provider.name": provider,
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 10,
    }


def test_prices_are_listed_and_taken_over_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("prices: []")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("DRIFTLINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DRIFTLINE_PRICES_FILE", str(file))

    def said(*command: str) -> list[str]:
        result = CliRunner().invoke(app, ["prices", *command], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return [" ".join(line.split()) for line in result.output.splitlines()]

    with running_store(tmp_path, prepared=True):
        client = prepare(load())
        assert said() == ["Priced calls; USD per million tokens now: none", "Calls without a known price: none"]
        for model in ("gpt-4o-mini", "gpt-4o-mini", "our-7b"):
            send(client, usage("openai", model))
        version = client.query("SELECT any(price_version) FROM llm_spans WHERE price_version != ''").result_rows[0][0]
        listed = said()
        assert f"openai gpt-4o-mini {version} 2 0.15 0.075 0.15 0.6" in listed
        assert any(line.startswith("openai our-7b 1 20") for line in listed)
        file.write_text("prices: [{model: our-7b, input: 3, output: 5}]")
        assert any("1 calls that had no cost have one now (file:" in line for line in said("reload"))
        listed = said()
        assert any(line.startswith("openai our-7b file:") and line.endswith(" 1 3 3 3 5") for line in listed)
        assert "Calls without a known price: none" in listed
        client.close()
