"""One entry of a price file: what a user pays for a model."""

from __future__ import annotations

from datetime import date  # noqa: TC003  pydantic reads it
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from driftline_processors.prices.book import EVER, FOREVER, NO_LIMIT, Tier

_FREE: Final = (Tier(0, NO_LIMIT, Decimal(0), Decimal(0), Decimal(0), Decimal(0)),)


def _number(raw: object) -> object:
    """Text and true look like mistakes in a price, though both could be read as one."""
    if isinstance(raw, bool | str):
        raise ValueError("must be a number, USD per million tokens")  # noqa: TRY004  pydantic reports ValueError
    return raw


Price = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=1_000_000, decimal_places=6)]
"""USD per million tokens, in the digits of the column."""


class _Rates(BaseModel):
    """Prices that an entry and its tiers have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Price | None = None
    cache_read: Price | None = None
    cache_write: Price | None = None
    output: Price | None = None


class LongInput(_Rates):
    """Prices of calls with a long input; what is not named is as in the entry.

    Attributes:
        above: tokens of input, cached ones included, that a call must exceed.
    """

    above: int = Field(gt=0, lt=NO_LIMIT, strict=True)


class PriceEntry(_Rates):
    """Prices of a model from a day on.

    Attributes:
        provider: as OpenTelemetry names it; '' is any, also none.
        model: name in lower case; one with ``*`` at its start or end stands for all that end or begin so.
        since: first day (UTC); None is ever.
        free: whether its calls cost nothing.
        tiers: prices of long inputs.
    """

    provider: str = ""
    model: str = Field(min_length=1)
    since: date | None = Field(default=None, alias="from", gt=EVER, lt=FOREVER)
    free: bool = Field(default=False, strict=True)
    tiers: tuple[LongInput, ...] = ()

    @field_validator("provider", "model")
    @classmethod
    def _lower(cls, name: str) -> str:
        return name.strip().lower()

    @field_validator("model")
    @classmethod
    def _pattern(cls, model: str) -> str:
        if "*" in model[1:-1] or model == "**":
            raise ValueError(f"may have a * at its start and at its end, not within it, but is {model!r}")
        return model

    @field_validator("tiers")
    @classmethod
    def _ascending(cls, tiers: tuple[LongInput, ...]) -> tuple[LongInput, ...]:
        limits = [tier.above for tier in tiers]
        if limits != sorted(set(limits)):
            raise ValueError(f"must stand in ascending order of 'above', not {limits}")
        return tiers

    @model_validator(mode="after")
    def _complete(self) -> Self:
        priced = [name for name in ("input", "cache_read", "cache_write", "output") if getattr(self, name) is not None]
        if self.free and (priced or self.tiers):
            raise ValueError(f"a model with 'free: true' has no prices; remove {priced[0] if priced else 'tiers'!r}")
        if not self.free and {"input", "output"} - set(priced):
            missing = next(name for name in ("input", "output") if name not in priced)
            raise ValueError(
                f"{missing!r} is missing; write USD per million tokens (0 if there is none), or 'free: true'"
            )
        return self

    def matches(self, provider: str, model: str) -> bool:
        """Whether it is about a model; both names in lower case."""
        if self.provider not in {"", provider}:
            return False
        part = self.model.strip("*")
        starts, ends = self.model.startswith("*"), self.model.endswith("*")
        if starts and ends:
            return part in model
        if starts:
            return model.endswith(part)
        return model.startswith(part) if ends else model == part

    @property
    def weight(self) -> tuple[bool, bool, int]:
        """Of several entries that match, the one with the greatest weight counts."""
        return bool(self.provider), "*" not in self.model, len(self.model)

    @property
    def price_tiers(self) -> tuple[Tier, ...]:
        """The prices in the form of a book; a cache price that is not named is that of the input."""
        if self.free:
            return _FREE
        starts = [0, *(tier.above + 1 for tier in self.tiers)]
        ends = [*(start - 1 for start in starts[1:]), NO_LIMIT]
        rates = (self._rates(tier) for tier in (self, *self.tiers))
        return tuple(Tier(start, end, *prices) for start, end, prices in zip(starts, ends, rates, strict=True))

    def _rates(self, tier: _Rates) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        def rate(name: str, otherwise: Decimal) -> Decimal:
            return next((r for r in (getattr(tier, name), getattr(self, name)) if r is not None), otherwise)

        plain = rate("input", Decimal(0))
        return plain, rate("cache_read", plain), rate("cache_write", plain), rate("output", Decimal(0))
