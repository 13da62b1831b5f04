"""Prices: what genai-prices says is what the view computes, tier by tier, and unknown stays unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data import providers
from genai_prices.types import ModelPrice, StartDateConstraint, TieredPrices
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from driftline_processors.prices import GenaiPriceBook, Period, Quote, Resolved, Tier, preload, resolve_unseen
from driftline_processors.prices.book import NO_LIMIT
from driftline_processors.prices.genai import SELLERS
from processors_support import send, send_bytes, send_each

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline_store.client import Client
BOOK = GenaiPriceBook()
NOW = datetime.now(UTC)
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


CHANGED = [
    (name, model.id, condition.constraint.start_date)
    for name, seller in SELLERS.items()
    for provider in providers
    if provider.id == seller
    for model in provider.models
    if isinstance(model.prices, list) and BOOK.quote(name, model.id).known
    for condition in model.prices
    if isinstance(condition.constraint, StartDateConstraint)
]


def test_a_call_has_the_price_of_its_day(client: Client) -> None:
    preload(client)
    midnights = {
        (provider, model, datetime.combine(day, time(), UTC))
        for provider, model, day in CHANGED
        if date(2026, 1, 1) < day < NOW.date() and NOW.date() - day < timedelta(days=390)
    }
    assert len(midnights) >= 5
    calls = [
        (provider, model, at)
        for provider, model, midnight in sorted(midnights)
        for at in (midnight - timedelta(microseconds=1), midnight)
    ]
    sent = send_each(client, [(call(provider, model, (1000, 500)), at) for provider, model, at in calls])
    costs = [stored_cost(client, trace_id) for trace_id in sent]
    assert costs == [BOOK.quote(provider, model).cost(1000, 500, at=at) for provider, model, at in calls]
    assert sum(before != after for before, after in zip(costs[::2], costs[1::2], strict=True)) >= 3


def test_a_call_has_the_price_of_its_hour(client: Client) -> None:
    preload(client)
    day = NOW.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    minutes = (0, 59, 60, 239, 240, 359, 360, 599, 600, 24 * 60 - 1)
    moments = [day + timedelta(minutes=minute, seconds=59) for minute in minutes]
    sent = send_each(client, [(call("deepseek", "deepseek-flash", (1_000_000, 0)), at) for at in moments])
    costs = [stored_cost(client, trace_id) for trace_id in sent]
    for cost, at in zip(costs, moments, strict=True):
        expected = calc_price(usage, "deepseek-flash", provider_id="deepseek", genai_request_timestamp=at)
        assert cost == expected.total_price, at
    assert len(set(costs)) == 2


def test_prices_of_the_future_are_known_already() -> None:
    coming = [change for change in CHANGED if change[2] > NOW.date()]
    for provider, model, day in coming:
        starts = {period.valid_from for period in BOOK.quote(provider, model).periods}
        assert day in starts


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

    version = "test"

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
    tiers = tuple(Tier(a, b, price, price, price, price) for a, b in zip(starts, ends, strict=True))
    return Quote((Period(tiers, version),), version)


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
    found = client.query(
        f"SELECT dictGet('prices', 'input', ('p', 'm', toDate(0), toUInt16(0)), n) FROM {lengths}"
    ).result_rows
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
    at=st.datetimes(datetime(2025, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC)),  # noqa: DTZ001  hypothesis wants it so
)
@settings(max_examples=500, deadline=None)
def test_agrees_with_genai_prices(named: tuple[str, str], counts: tuple[int, int, int, int], at: datetime) -> None:
    plain, read, written, output = counts
    total = plain + read + written
    usage = Usage(input_tokens=total, output_tokens=output, cache_read_tokens=read, cache_write_tokens=written)
    expected = calc_price(usage, named[1], provider_id=named[0], genai_request_timestamp=at)
    # Our columns have six digits; a longer price is not expressible.
    assume(all(rate == round(rate, 6) for rate in _rates(expected.model_price)))
    fee = vars(expected.model_price).get("requests_kcount") or Decimal(0)
    tokens = BOOK.quote(*named).cost(total, output, cache_read=read, cache_write=written, at=at)
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
        assert BOOK.quote(provider.id, model.id).known == priced, (provider.id, model.id)
