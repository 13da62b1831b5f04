"""One content rule: which answers people should look at, without being called for it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from driftline_alerts.rule_fields import Name, Where  # noqa: TC001  pydantic reads them
from driftline_processors.judge.check import Patterns  # noqa: TC001  likewise
from driftline_processors.judge.fields import Share, Strict, Texts

_CONDITIONS = ("phrases", "patterns", "confidence_below")


class ReviewRule(Strict):
    """Which requests and calls are put into the review queue: those for which all that is given holds."""

    name: Name = Field(description="Unique among the review rules.")
    phrases: Texts = Field(default=(), description="One of these occurs, in any case.")
    patterns: Patterns = Field(default=(), description="One of these regular expressions (RE2) matches, in any case.")
    in_: Literal["input", "output"] = Field(
        default="output", alias="in", description="Where phrases and patterns are looked for."
    )
    confidence_below: Share | None = Field(
        default=None, description="A router's decision is less sure than this, from 0 to 1."
    )
    where: Where = Field(default_factory=dict, description="Values that dimensions must have.")
    per_hour: int = Field(default=20, ge=1, le=10_000, strict=True, description="Most cases an hour.")
    description: str = Field(default="", max_length=500, description="What to look for; shown with the case.")

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not any(getattr(self, name) for name in _CONDITIONS):
            raise ValueError(f"needs one of {', '.join(map(repr, _CONDITIONS))}")
        return self
