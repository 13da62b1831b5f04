"""The form that every price takes, and what a source of prices has to offer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_LIMIT: Final = 2**64 - 1
"""``to_tokens`` of the last tier: the largest number the column holds."""

EVER: Final = date(1970, 1, 1)
"""``valid_from`` of a model's oldest price."""

FOREVER: Final = date(2149, 6, 6)
"""``valid_to`` of a model's newest price: the last day the column holds."""

LAST_MINUTE: Final = 24 * 60 - 1


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
class Period:
    """Prices of the calls that start on certain days and, on those, at certain minutes of the day; all in UTC.

    Attributes:
        tiers: by ascending length of the input, without gaps.
        version: source of the prices and its version.
        valid_from: first day.
        valid_to: last day.
        from_minute: first minute of the day, from 0.
        to_minute: last minute of the day.
    """

    tiers: tuple[Tier, ...]
    version: str
    valid_from: date = EVER
    valid_to: date = FOREVER
    from_minute: int = 0
    to_minute: int = LAST_MINUTE

    def holds(self, moment: datetime) -> bool:
        """Whether a call that starts at the (aware) moment has these prices."""
        moment = moment.astimezone(UTC)
        on_the_day = self.valid_from <= moment.date() <= self.valid_to
        return on_the_day and self.from_minute <= moment.hour * 60 + moment.minute <= self.to_minute


@dataclass(frozen=True, slots=True)
class Quote:
    """What a price book says about one model.

    Attributes:
        periods: without overlaps; all days are cut at the same minutes. Empty when the price is unknown.
        version: of the book that was asked.
        left_out: parts of the real price that a ``Tier`` cannot express, by the source's names.
    """

    periods: tuple[Period, ...]
    version: str
    left_out: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether calls of the model can be priced, at least those of some days."""
        return bool(self.periods)

    def cost(
        self,
        input: int,  # noqa: A002
        output: int,
        *,
        cache_read: int = 0,
        cache_write: int = 0,
        at: datetime | None = None,
    ) -> Decimal | None:
        """USD of a call, by the formula that the span view uses; None when the price is unknown.

        Args:
            input: tokens, cached ones included.
            output: tokens, reasoning included.
            cache_read: input tokens that came from the cache.
            cache_write: input tokens that went into it.
            at: start of the call; now, if not given.
        """
        moment = at or datetime.now(UTC)
        tiers = next((period.tiers for period in self.periods if period.holds(moment)), ())
        # Cached tokens are part of the input; a sender that excludes them is corrected.
        billed = max(input, cache_read + cache_write)
        tier = next((tier for tier in tiers if tier.from_tokens <= billed <= tier.to_tokens), None)
        if tier is None:
            return None
        plain = billed - cache_read - cache_write
        tokens = (plain, cache_read, cache_write, output)
        rates = (tier.input, tier.cache_read, tier.cache_write, tier.output)
        return sum((n * rate for n, rate in zip(tokens, rates, strict=True)), Decimal(0)) / 1_000_000


class PriceBook(Protocol):
    """A source of prices.

    Attributes:
        version: changes whenever the book could say something else.
    """

    version: str

    def quote(self, provider: str, model: str) -> Quote:
        """Prices of a model; unknown models get a quote without periods, never an error.

        Args:
            provider: as OpenTelemetry names it (``gen_ai.provider.name``), '' when it was not sent.
            model: as it was sent, in any case.
        """

    def common(self) -> Iterable[tuple[str, str]]:
        """Pairs of (provider, model) worth knowing before the first call of them is seen."""
