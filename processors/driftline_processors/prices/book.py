"""The form that every price takes, and what a source of prices has to offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

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
