"""What a check of ``evaluators.yaml`` asks of every answer."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from driftline_processors.judge.fields import Applies, Name, Strict, Texts
from driftline_processors.judge.json_schema_sql import json_schema_sql
from driftline_processors.judge.language_sql import LANGUAGES
from driftline_processors.judge.patterns import usable_pattern

CONDITIONS: Final = ("length", "forbidden", "required", "json", "json_schema", "language", "refusal")
"""What a check can ask for; each check for exactly one of them."""


def _patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(usable_pattern, patterns))


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    json_schema_sql(schema, "answer")
    return schema


def _languages(languages: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := set(languages) - set(LANGUAGES):
        raise ValueError(f"must be of {', '.join(LANGUAGES)}, not {min(unknown)!r}")
    return languages


Patterns = Annotated[Texts, AfterValidator(_patterns)]
"""Regular expressions that the engine knows."""


class Length(Strict):
    """Bounds of an answer's length, in characters."""

    min: int = Field(default=0, ge=0, strict=True)
    max: int | None = Field(default=None, ge=0, strict=True)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("needs 'min' or 'max'")
        if self.max is not None and self.max < self.min:
            raise ValueError(f"has its 'min' ({self.min}) above its 'max' ({self.max})")
        return self


class CheckConfig(Strict):
    """A rule that the engine checks every answer by, while it arrives."""

    name: Name
    kind: Literal["check"]
    applies: Applies = Field(default_factory=Applies)
    length: Length | None = Field(default=None, description="Fewest and most characters.")
    forbidden: Patterns = Field(default=(), description="None of these may occur, in any case.")
    required: Patterns = Field(default=(), description="All of these must occur, in any case.")
    json_: Literal[True] | None = Field(default=None, alias="json", description="It must be JSON.")
    json_schema: Annotated[dict[str, Any], AfterValidator(_schema)] | None = Field(
        default=None, description="JSON of this form (docs/evaluators.md)."
    )
    language: Annotated[Texts, AfterValidator(_languages)] = Field(default=(), description="One of these.")
    refusal: Literal[False] | None = Field(default=None, description="It must not be a refusal.")

    @property
    def condition(self) -> str:
        """The one of ``CONDITIONS`` that it asks for."""
        return next(name for name in CONDITIONS if name in _given(self))

    @model_validator(mode="after")
    def _asks_for_one_thing(self) -> Self:
        if len(_given(self)) != 1:
            raise ValueError(f"a check needs exactly one of {', '.join(CONDITIONS)}; make two checks of two")
        return self


def _given(check: CheckConfig) -> set[str]:
    return {name.rstrip("_") for name in check.model_fields_set} & set(CONDITIONS)
