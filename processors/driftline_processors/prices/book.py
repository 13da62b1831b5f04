"""The form that every price takes, and what a source of prices has to offer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_LIMIT: Final = 2**64 - 1
"""``to_tokens`` of the last tier: the largest number the column holds."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Prices of a call whose input is ``from_tokens`` to ``to_tokens`` tokens long, both inclusive.

    The whole call has the prices of its tier, not only the tokens above the threshold. Prices are USD per
    million tokens. Cached tokens are part of the input, so a tier prices each input token once: as read
    from the cache, as written to it, or as plain input.
    """

    from_tokens: int
    to_tokens: int
    input: Decimal
    cache_read: Decimal
    cache_write: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """What a price book says about one model.

    Attributes:
        tiers: by ascending length of the input, without gaps; empty when the price is unknown.
        version: source of the prices and its version.
        left_out: parts of the real price that a ``Tier`` cannot express, by the source's names.
    """

    tiers: tuple[Tier, ...]
    version: str
    left_out: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether calls of the model can be priced."""
        return bool(self.tiers)

    def cost(self, input: int, output: int, *, cache_read: int = 0, cache_write: int = 0) -> Decimal | None:  # noqa: A002
        """USD of a call, by the formula that the span view uses; None when the price is unknown.

        Args:
            input: tokens, cached ones included.
            output: tokens, reasoning included.
            cache_read: input tokens that came from the cache.
            cache_write: input tokens that went into it.
        """
        # Cached tokens are part of the input; a sender that excludes them is corrected.
        billed = max(input, cache_read + cache_write)
        tier = next((tier for tier in self.tiers if tier.from_tokens <= billed <= tier.to_tokens), None)
        if tier is None:
            return None
        plain = billed - cache_read - cache_write
        tokens = (plain, cache_read, cache_write, output)
        rates = (tier.input, tier.cache_read, tier.cache_write, tier.output)
        return sum((n * rate for n, rate in zip(tokens, rates, strict=True)), Decimal(0)) / 1_000_000


class PriceBook(Protocol):
    """A source of prices."""

    def quote(self, provider: str, model: str) -> Quote:
        """Price of a model now; unknown models get a quote without tiers, never an error.

        Args:
            provider: as OpenTelemetry names it (``gen_ai.provider.name``), '' when it was not sent.
            model: as it was sent, in any case.
        """

    def common(self) -> Iterable[tuple[str, str]]:
        """Pairs of (provider, model) worth knowing before the first call of them is seen."""
