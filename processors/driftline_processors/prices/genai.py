"""List prices out of the data that come with the ``genai-prices`` package.

Only that offline data: its updater, which would fetch from the network, is never started. Upgrading the
package is how prices are brought up to date.

What a call is charged beyond plain tokens is left out, and ``Quote.left_out`` names it: fees per request
or search, storage, and own rates for audio, image, video, reasoning or one-hour cache tokens, which are
priced like the other tokens of their direction. Batch, service-tier and other variants of a price are not
looked at: the standard one counts. A model that the data list without any price is unknown, except the
``:free`` ones.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from genai_prices.data_snapshot import DataSnapshot, find_provider_by_id
from genai_prices.types import (
    ClauseEquals,
    ClauseOr,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from driftline_processors.prices.book import EVER, FOREVER, LAST_MINUTE, NO_LIMIT, Period, Quote, Tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from genai_prices.types import MatchLogic, ModelInfo, Provider

SELLERS: Final[dict[str, str]] = {
    "anthropic": "anthropic",
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "groq": "groq",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "openai": "openai",
    "perplexity": "perplexity",
    "x_ai": "x-ai",
    # Former names that instrumentations still send.
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "vertex_ai": "google",
    "xai": "x-ai",
}
"""Provider as OpenTelemetry names it -> id in the price data, whose own matching misses or mistakes some."""

UNLISTED: Final = frozenset({"ibm.watsonx.ai"})
"""Providers that the price data lack: another seller's price for the same model would be a wrong one."""

_KEYS: Final = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")
_DIGITS: Final = Decimal("0.000001")


class GenaiPriceBook:
    """Price book over ``genai-prices``."""

    def __init__(self) -> None:
        from genai_prices.data import providers  # noqa: PLC0415 - 0.2 s that only a pricing process needs

        self._data = DataSnapshot(providers=providers, from_auto_update=False)
        self._providers = {provider.id: provider for provider in providers}
        self.version = f"genai-prices {version('genai-prices')}"

    def quote(self, provider: str, model: str) -> Quote:
        """See ``PriceBook``.

        A provider that neither we nor the data know (a gateway, a framework's own name) and '' are ignored:
        the model alone is matched, by the rules with which each provider in the data claims model names.
        """
        found = self._find(provider.strip().lower(), model)
        if found is None:
            return Quote((), self.version)
        periods = tuple(_periods(found, self.version))
        names = {key for _, _, prices in _history(found) for key in _given(prices)}
        return Quote(periods, self.version, tuple(sorted(names - set(_KEYS))) if periods else ())

    def common(self) -> Iterator[tuple[str, str]]:
        """See ``PriceBook``: model ids and exact aliases of the providers that OpenTelemetry names."""
        for name, seller in SELLERS.items():
            for model in sorted(self._names(self._providers[seller])):
                yield name, model
        for seller in sorted(set(SELLERS.values())):
            for model in sorted(_names(self._providers[seller].models)):
                yield "", model

    def _names(self, provider: Provider) -> set[str]:
        names = _names(provider.models)
        for other in provider.fallback_model_providers or ():
            names |= _names(self._providers[other].models)
        return names

    def _find(self, provider: str, model: str) -> ModelInfo | None:
        if provider in UNLISTED:
            return None
        seller: str | None = SELLERS.get(provider, provider)
        # The data knows LiteLLM as a prefix of model names, not as a seller.
        if seller != "litellm" and find_provider_by_id(self._data.providers, seller or "") is None:
            seller = None
        try:
            return self._data.find_provider_model(model, None, seller, None)[1]
        except LookupError:
            return None


def _names(models: Iterable[ModelInfo]) -> set[str]:
    return {name for model in models for name in (model.id, *_exact(model.match))}


def _exact(match: MatchLogic) -> Iterator[str]:
    if isinstance(match, ClauseEquals):
        yield match.equals
    elif isinstance(match, ClauseOr):
        for clause in match.or_:
            yield from _exact(clause)


def _periods(model: ModelInfo, version: str) -> Iterator[Period]:
    days, minutes = _cuts(model)
    day_ends = [*(day - timedelta(days=1) for day in days[1:]), FOREVER]
    minute_ends = [*(minute - 1 for minute in minutes[1:]), LAST_MINUTE]
    ends = dict(zip(days, day_ends, strict=True)), dict(zip(minutes, minute_ends, strict=True))
    for day, minute, prices in _history(model):
        is_free = model.id.endswith(":free") and not _given(prices)
        tiers = (Tier(0, NO_LIMIT, *[Decimal(0)] * 4),) if is_free else _tiers(prices)
        if tiers:
            yield Period(tiers, version, day, ends[0][day], minute, ends[1][minute])


def _history(model: ModelInfo) -> Iterator[tuple[date, int, ModelPrice]]:
    """Prices from each day and, on each, from each minute at which one of them may change."""
    days, minutes = _cuts(model)
    for day in days:
        for minute in minutes:
            moment = datetime.combine(day, time(minute // 60, minute % 60), UTC)
            yield day, minute, model.get_prices(moment)


def _cuts(model: ModelInfo) -> tuple[list[date], list[int]]:
    """Days and minutes of the day at which prices may change, the very first ones included."""
    days, minutes = {EVER}, {0}
    for price in model.prices if isinstance(model.prices, list) else ():
        if isinstance(price.constraint, StartDateConstraint):
            days.add(max(price.constraint.start_date, EVER))
        elif isinstance(price.constraint, TimeOfDateConstraint):
            minutes |= {_minute(price.constraint.start_time), _minute(price.constraint.end_time)}
    return sorted(days), sorted(minutes)


def _minute(moment: time) -> int:
    """Minute of the day in UTC."""
    offset = moment.utcoffset() or timedelta()
    return (moment.hour * 60 + moment.minute - offset // timedelta(minutes=1)) % (24 * 60)


def _given(prices: ModelPrice) -> dict[str, Decimal | TieredPrices]:
    return {key: price for key, price in vars(prices).items() if price is not None}


def _tiers(prices: ModelPrice) -> tuple[Tier, ...]:
    """Tiers of a model that is priced by tokens; none for one that is not.

    A cache price that the source does not name is the input price, as the source itself computes.
    """
    given = _given(prices)
    if not {"input_mtok", "output_mtok"} & given.keys():
        return ()
    free = Decimal(0)
    plain = given.get("input_mtok", free)
    rates = [
        plain,
        given.get("cache_read_mtok", plain),
        given.get("cache_write_mtok", plain),
        given.get("output_mtok", free),
    ]
    starts = sorted({0, *(tier.start + 1 for rate in rates if isinstance(rate, TieredPrices) for tier in rate.tiers)})
    ends = [*(start - 1 for start in starts[1:]), NO_LIMIT]
    return tuple(
        Tier(start, end, *(_rate(rate, start) for rate in rates)) for start, end in zip(starts, ends, strict=True)
    )


def _rate(price: Decimal | TieredPrices, tokens: int) -> Decimal:
    """USD per million at this length of the input, in the column's six digits."""
    if isinstance(price, TieredPrices):
        # A tier holds above its start, not at it.
        passed = [tier.price for tier in price.tiers if tokens > tier.start]
        price = passed[-1] if passed else price.base
    return price.quantize(_DIGITS)
