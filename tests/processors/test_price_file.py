"""The user's price file: what it overrides, and how its mistakes are told."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from driftline.errors import SettingsError
from driftline.settings import load
from driftline_processors.prices import GenaiPriceBook, preload, price_book
from driftline_processors.prices.file import FilePriceBook, parse_prices
from processors_support import send

if TYPE_CHECKING:
    from driftline_store.client import Client

GENAI = GenaiPriceBook()
DOCS = Path(__file__).parents[2] / "docs" / "prices.md"
MAY, JUNE = datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def book(text: str) -> FilePriceBook:
    return FilePriceBook(text, "prices.yaml", GENAI)


def rate(prices: FilePriceBook, provider: str, model: str, at: datetime | None = None) -> Decimal | None:
    """USD of a million tokens of input."""
    return prices.quote(provider, model).cost(1_000_000, 0, at=at)


def test_a_file_overrides_what_everybody_knows_and_leaves_the_rest() -> None:
    prices = book("prices: [{provider: openai, model: gpt-4o-mini, input: 7, output: 9}]")
    assert rate(prices, "openai", "GPT-4o-mini") == 7
    assert rate(prices, "OpenAI", "gpt-4o-mini") == 7
    for provider, model in (("openai", "gpt-4o"), ("", "gpt-4o-mini"), ("azure.ai.openai", "gpt-4o-mini")):
        assert prices.quote(provider, model) == GENAI.quote(provider, model)


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("ours", "llama-3-8b", 1),
        ("ours", "llama-3-70b", 2),
        ("ours", "llama-4", 3),
        ("theirs", "llama-3-8b", 4),
        ("", "llama-3-8b", 4),
        ("ours", "mixtral-instruct", 5),
        ("ours", "a-big-one", 6),
        ("ours", "other", 7),
    ],
)
def test_the_entry_that_names_a_model_most_exactly_counts(provider: str, model: str, expected: int) -> None:
    patterns = [
        "provider: ours, model: llama-3-8b",
        "provider: ours, model: llama-3*",
        "provider: ours, model: llama-*",
        "model: llama-3-8b",
        "provider: ours, model: '*-instruct'",
        "provider: ours, model: '*big*'",
        "provider: ours, model: '*'",
    ]
    lines = [f"  - {{{pattern}, input: {n}, output: 0}}" for n, pattern in enumerate(patterns, 1)]
    assert rate(book("\n".join(["prices:", *lines[::-1]])), provider, model) == expected


def test_prices_change_on_their_day_and_are_the_known_ones_before() -> None:
    named = "provider: openai, model: gpt-4o-mini"
    august, june = (
        f"{{{named}, from: {day}, input: {n}, output: 0}}" for day, n in (("2026-08-01", 6), ("2026-06-01", 5))
    )
    prices = book(f"prices: [{august}, {june}]")
    known = GENAI.quote("openai", "gpt-4o-mini")
    assert rate(prices, "openai", "gpt-4o-mini", MAY) == known.cost(1_000_000, 0, at=MAY)
    assert rate(prices, "openai", "gpt-4o-mini", JUNE) == 5
    assert rate(prices, "openai", "gpt-4o-mini") == 6
    versions = [period.version for period in prices.quote("openai", "gpt-4o-mini").periods]
    assert versions[0].startswith("genai-prices ")
    assert all(re.fullmatch(r"file:[0-9a-f]{8}", version) for version in versions[1:])


def test_a_model_that_only_the_file_knows_is_unknown_before_its_first_day() -> None:
    prices = book("prices: [{model: our-7b, from: 2026-06-01, input: 1, output: 1}]")
    assert rate(prices, "ours", "our-7b", MAY) is None
    assert rate(prices, "ours", "our-7b", JUNE) == 1


def test_tiers_inherit_what_they_do_not_name() -> None:
    tiers = "[{above: 100, input: 3}, {above: 200, output: 9}]"
    text = f"prices: [{{model: m, input: 1, cache_read: 0.1, output: 2, tiers: {tiers}}}]"
    [period] = book(text).quote("", "m").periods
    found = [(t.from_tokens, t.input, t.cache_read, t.cache_write, t.output) for t in period.tiers]
    expected = [(0, 1, 0.1, 1, 2), (101, 3, 0.1, 3, 2), (201, 1, 0.1, 1, 9)]
    assert found == [(start, *(Decimal(str(rate)) for rate in rates)) for start, *rates in expected]


def test_a_file_over_prices_by_the_hour_keeps_them_for_the_days_before(client: Client) -> None:
    day = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=10)
    since = day + timedelta(days=1)
    entry = f"{{provider: deepseek, model: deepseek-flash, from: {since:%Y-%m-%d}, input: 40, output: 0}}"
    prices = book(f"prices: [{entry}]")
    preload(client, prices)
    attributes: dict[str, str | int] = {
        "gen_ai.provider.name": "deepseek",
        "gen_ai.response.model": "deepseek-flash",
        "gen_ai.usage.input_tokens": 1_000_000,
    }
    moments = [day, day + timedelta(hours=3), since, since + timedelta(hours=3), since + timedelta(hours=21)]
    query = "SELECT cost, price_version FROM llm_spans WHERE trace_id = {t:String}"
    traces = [send(client, attributes, moment) for moment in moments]
    found = [client.query(query, {"t": trace}).result_rows[0] for trace in traces]
    known = GENAI.quote("deepseek", "deepseek-flash")
    assert [cost for cost, _ in found] == [known.cost(1_000_000, 0, at=at) for at in moments[:2]] + [40] * 3
    assert found[0][0] != found[1][0]
    assert [version for _, version in found] == [GENAI.version] * 2 + [prices.file_version] * 3


def test_the_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("prices: [{model: m, input: 1, output: 0}]")
    settings = load({}, prices_file=str(path))
    first = price_book(settings)
    assert price_book(settings) is first
    path.write_text("prices: [{model: m, input: 2, output: 0}]")
    os.utime(path, ns=(1, 1))  # clocks of file systems are coarse
    assert price_book(settings).quote("", "m").cost(1_000_000, 0) == 2


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(SettingsError) as raised:
        price_book(load({}, prices_file=str(path)))
    expected = f"the file of prices {path} does not exist; create it or correct the setting 'prices_file'"
    assert str(raised.value) == expected


MODEL = "prices: [{model: m, "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "prices.yaml is empty; write 'prices: []'"),
        ("price: []", "prices.yaml line 1: expected 'prices:' with a list of prices under it"),
        ("prices: [3]", "prices.yaml line 1: a price must be a list of 'key: value' pairs"),
        ("prices:\n  - {model: *x}", "prices.yaml line 2 is not valid YAML: found undefined alias 'x' at column 13"),
        ("prices:\n  - {free: true}", "prices.yaml line 2, column 5: a price without a model: 'model' is missing"),
        ("prices:\n  - {model: m, input: 1}", "line 2, column 5: price of 'm': 'output' is missing; write USD per"),
        (MODEL + "ouput: 1}]", "line 1, column 28: price of 'm': 'ouput' is unknown; did you mean 'output'?"),
        (
            MODEL + "input: dear}]",
            "column 28: price of 'm': 'input' must be a number, USD per million tokens, not 'd",
        ),
        (MODEL + "input: true}]", "'input' must be a number, USD per million tokens, not True"),
        (MODEL + "input: -1, output: 0}]", "'input' is -1: input should be greater than or equal to 0"),
        (MODEL + "input: .nan, output: 0}]", "'input' is nan: "),
        (MODEL + "input: 0.1234567, output: 0}]", "'input' is 0.1234567: "),
        (MODEL + "free: true, input: 1}]", "a model with 'free: true' has no prices; remove 'input'"),
        ("prices: [{model: a*b, free: true}]", "'model' may have a * at its start and at its end, not within it, but"),
        (MODEL + "free: true, from: June}]", "column 39: price of 'm': 'from' is 'June': "),
        (MODEL + "free: true, from: 2026-02-31}]", "price of 'm': day is out of range"),
        (MODEL + "free: true, from: 1970-01-01}]", "'from' is "),
        (MODEL + "free: true, free: true}]", "'free' stands there twice; remove one"),
        (MODEL + "free: true}, {model: M, free: true}]", "column 34: price of 'm': an entry with the same provider"),
        (MODEL + "input: 1, output: 1, tiers: [{above: x}]}]", "column 58: price of 'm': 'above' is 'x': "),
        (MODEL + "input: 1, output: 1, tiers: [{above: 9}, {above: 9}]}]", "'tiers' must stand in ascending order"),
        (MODEL + "input: 1, output: 1, tiers: [{above: 9, inptu: 9}]}]", "'inptu' is unknown; did you mean 'input'?"),
    ],
)
def test_mistakes_are_told_with_their_place_and_remedy(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_prices(text, "prices.yaml")
    assert said in str(raised.value)


def test_the_example_of_the_docs_says_what_the_docs_say() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    prices = book(text)
    assert rate(prices, "openai", "ft:gpt-4o-mini:acme:support:x1", MAY) == Decimal("0.3")
    assert rate(prices, "openai", "ft:gpt-4o-mini:acme:support:x1", JUNE) == Decimal("0.24")
    assert rate(prices, "ollama", "llama3.2") == 0
    assert prices.quote("", "house-llm").cost(100_000, 1000) == Decimal("0.052")
    assert prices.quote("", "house-llm").cost(200_000, 1000) == Decimal("0.202")
