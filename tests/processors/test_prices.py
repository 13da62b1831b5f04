"""Prices: what genai-prices says is what the view computes, tier by tier, and unknown stays unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data import providers
from genai_prices.types import ModelPrice, StartDateConstraint, TieredPrices
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from driftline_processors.prices import GenaiPriceBook, Quote, Resolved, Tier, preload, resolve_unseen
from driftline_processors.prices.book import NO_LIMIT
from driftline_processors.prices.genai import SELLERS
from processors_support import send, send_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline_store.client import Client
BOOK = GenaiPriceBook()
NOW = datetime.now(UTC)
AT_NOW = GenaiPriceBook(lambda: NOW)
FIXTURES = Path(__file__).parents[1] / "fixtures"


def call(provider: str, model: str, tokens: tuple[int, int], cached: int = 0) -> dict[str, str | int]:
    return {
        "gen_ai.provider.name": provider,
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": tokens[0],
        "gen_ai.usage.output_tokens": tokens[1],
        "gen_ai.usage.cache_read.input_tokens": cached,
    }


def stored_cost(client: Client, trace_id: str) -> Decimal | None:
    rows = client.query("SELECT cost FROM llm_spans WHERE trace_id = {t:String}", {"t": trace_id}).result_rows
    assert len(rows) == 1
    found: Decimal | None = rows[0][0]
    return found


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "GPT-4o-mini"])
@pytest.mark.parametrize("provider", ["openai", "azure.ai.openai", "", "my-gateway"])
def test_the_measured_call_costs_what_it_did(provider: str, model: str) -> None:
    quote = BOOK.quote(provider, model)
    assert quote.cost(142, 48, cache_read=64) == Decimal("0.0000453")
    assert quote.version.startswith("genai-prices ")


def test_cached_tokens_are_priced_once(client: Client) -> None:
    preload(client)
    plain, cached = (send(client, call("openai", "gpt-4o-mini", (1_000_000, 0), n)) for n in (0, 1_000_000))
    assert stored_cost(client, plain) == Decimal("0.15")
    assert stored_cost(client, cached) == Decimal("0.075")


@pytest.mark.parametrize("directory", ["otel-genai-openai-1.3b0", "openinference-openai-0.1.66"])
def test_a_captured_call_is_priced_at_once(client: Client, directory: str) -> None:
    preload(client)
    send_bytes(client, (FIXTURES / directory / "chat.otlp.pb").read_bytes())
    rows = client.query("SELECT cost, price_version FROM llm_spans WHERE is_call").result_rows
    assert rows == [(Decimal("0.0000453"), BOOK.version)]


def test_context_tiers(client: Client) -> None:
    preload(client)
    below, above = (send(client, call("gcp.gemini", "gemini-2.5-pro", (n, 1000))) for n in (200_000, 200_001))
    assert stored_cost(client, below) == (200_000 * Decimal("1.25") + 1000 * 10) / 1_000_000
    assert stored_cost(client, above) == (200_001 * Decimal("2.5") + 1000 * 15) / 1_000_000


def test_azure_has_prices_of_its_own_and_openais() -> None:
    azure = {model.id for provider in providers if provider.id == "azure" for model in provider.models}
    assert any(BOOK.quote("azure.ai.openai", model).known for model in azure)
    assert BOOK.quote("azure.ai.openai", "gpt-4.1").known


def test_a_provider_without_price_data_is_not_priced_as_another() -> None:
    assert not BOOK.quote("ibm.watsonx.ai", "mistral-large-latest").known


def test_what_cannot_be_expressed_is_named() -> None:
    quote = BOOK.quote("gcp.gemini", "gemini-2.5-pro")
    assert quote.known
    assert quote.left_out == ("web_searches_kcount",)


def test_every_provider_of_the_aliases_is_in_the_data() -> None:
    assert set(SELLERS.values()) <= {provider.id for provider in providers}


def test_prices_are_those_of_the_moment() -> None:
    changing = next(
        (provider.id, model.id, condition.constraint.start_date)
        for provider in providers
        for model in provider.models
        if isinstance(model.prices, list) and len(model.prices) == 2
        for condition in model.prices
        if isinstance(condition.constraint, StartDateConstraint)
    )
    provider, model, start = changing
    after = datetime(start.year, start.month, start.day, tzinfo=UTC)
    before = datetime.fromtimestamp(after.timestamp() - 1, UTC)
    old, new = (GenaiPriceBook(lambda at=at: at).quote(provider, model) for at in (before, after))  # type: ignore[misc]
    assert old.tiers != new.tiers


def test_unknown_models_are_looked_up_once_and_counted(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    preload(client)
    traces = [
        send(client, call("openai", "our-own-model", (10, 10))),
        send(client, call("openai", "gpt-4o-mini-2099", (1, 1))),
    ]
    assert resolve_unseen(client) == Resolved(known=0, unknown=2)
    assert "'our-own-model'" in caplog.text
    assert resolve_unseen(client) == Resolved()
    assert [stored_cost(client, trace) for trace in traces] == [None, None]
    known = client.query("SELECT known FROM model_prices FINAL WHERE model = 'our-own-model'").result_rows
    assert known == [(False,)]
    assert client.query(
        "SELECT sum(unpriced_calls), sum(cost) FROM llm_rollups WHERE resolution = 'day'"
    ).result_rows == [(2, Decimal(0))]


def test_a_model_seen_for_the_first_time_is_priced_from_then_on(client: Client) -> None:
    preload(client)
    attributes = call("anthropic", "claude-opus-4-5-20251101", (1000, 100))
    first = send(client, attributes)
    assert resolve_unseen(client) == Resolved(known=1)
    second = send(client, attributes)
    assert stored_cost(client, first) is None
    expected = calc_price(
        Usage(input_tokens=1000, output_tokens=100), "claude-opus-4-5-20251101", provider_id="anthropic"
    )
    assert stored_cost(client, second) == expected.total_price


class _Book:
    """A price book that says what it is told."""

    def __init__(self, quote: Quote) -> None:
        self.said = quote

    def quote(self, provider: str, model: str) -> Quote:
        del provider, model
        return self.said

    def common(self) -> Iterable[tuple[str, str]]:
        return [("p", "m")]


def _quote(version: str, *limits: int) -> Quote:
    starts = (0, *(limit + 1 for limit in limits))
    ends = (*limits, NO_LIMIT)
    price = Decimal(len(version))
    return Quote(tuple(Tier(a, b, price, price, price, price) for a, b in zip(starts, ends, strict=True)), version)


def test_preload_writes_what_differs_and_voids_tiers_that_are_gone(client: Client) -> None:
    first, second = _quote("v1", 100, 1000), _quote("v002", 500)
    assert preload(client, _Book(first)) == 3
    assert preload(client, _Book(first)) == 0
    assert preload(client, _Book(second)) == 4
    assert preload(client, _Book(second)) == 0
    rows = client.query(
        "SELECT from_tokens, to_tokens, version FROM model_prices FINAL WHERE known ORDER BY from_tokens"
    ).result_rows
    assert rows == [(0, 500, "v002"), (501, NO_LIMIT, "v002")]
    lengths = "(SELECT arrayJoin([0, 101, 600, 2000]::Array(UInt64)) AS n)"
    found = client.query(f"SELECT dictGet('prices', 'input', ('p', 'm'), n) FROM {lengths}").result_rows
    assert {row[0] for row in found} == {Decimal(4)}


def test_preload_learns_what_was_unknown(client: Client) -> None:
    send(client, call("p", "m", (1, 1)))
    assert resolve_unseen(client, _Book(Quote((), "v1"))) == Resolved(unknown=1)
    assert preload(client, _Book(_quote("v2"))) == 1
    assert stored_cost(client, send(client, call("p", "m", (500_000, 500_000)))) == 2


PRICED = sorted(
    (provider.id, model.id)
    for provider in providers
    if provider.id in SELLERS.values()
    for model in provider.models
    if BOOK.quote(provider.id, model.id).known
)


def _rates(prices: ModelPrice) -> list[Decimal]:
    given = [price for price in vars(prices).values() if price is not None]
    tiered = [tier.price for price in given if isinstance(price, TieredPrices) for tier in price.tiers]
    return tiered + [price.base if isinstance(price, TieredPrices) else price for price in given]


@given(
    named=st.sampled_from(PRICED),
    counts=st.tuples(*[st.integers(0, 2_000_000) | st.integers(0, 300)] * 4),
)
@settings(max_examples=500, deadline=None)
def test_agrees_with_genai_prices(named: tuple[str, str], counts: tuple[int, int, int, int]) -> None:
    plain, read, written, output = counts
    total = plain + read + written
    usage = Usage(input_tokens=total, output_tokens=output, cache_read_tokens=read, cache_write_tokens=written)
    expected = calc_price(usage, named[1], provider_id=named[0], genai_request_timestamp=NOW)
    # Our columns have six digits; a longer price is not expressible.
    assume(all(rate == round(rate, 6) for rate in _rates(expected.model_price)))
    fee = vars(expected.model_price).get("requests_kcount") or Decimal(0)
    tokens = AT_NOW.quote(*named).cost(total, output, cache_read=read, cache_write=written)
    assert tokens is not None
    ours = tokens + fee / 1000
    assert abs(ours - expected.total_price) <= Decimal("1e-9")


def test_only_models_without_token_prices_are_unknown() -> None:
    # Not every id in the data is one that a provider sends, nor matched by its own clause.
    named = [(p, m) for p in providers if p.id in SELLERS.values() for m in p.models if m.is_match(m.id)]
    assert len(named) > 400
    for provider, model in named:
        found = provider.find_model(model.id)
        assert found is not None
        rates = vars(found.get_prices(NOW)).keys() & {"input_mtok", "output_mtok"}
        priced = bool(rates) or found.id.endswith(":free")
        assert AT_NOW.quote(provider.id, model.id).known == priced, (provider.id, model.id)
