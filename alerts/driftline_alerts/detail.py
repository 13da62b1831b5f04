"""What a message about a transition says beyond its columns; kept with it, as rules may change meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from driftline_alerts.evaluate import window_name
from driftline_alerts.rule import Severity  # noqa: TC001  pydantic reads it

if TYPE_CHECKING:
    from driftline_alerts.evaluate import Outcome


class Detail(BaseModel):
    """Stored as JSON in the column ``detail``.

    Attributes:
        side: on which side of the threshold the rule fires.
        window_minutes: length of the window.
        low: lower end of the value's 95 % interval, where it has one.
        high: upper end of it.
        baseline: what a relative rule compares with.
        compared_with: what the baseline is of, in words.
        note: why it was resolved, if not by its value.
        team: whose it is; '' for nobody's.
        runbook: address of what to do; '' for none.
        headline: what happened, where drift detection says it; '' for a rule's alert.
        facts: label and text, likewise.
        sentences: likewise.
        beside: what else moved in the same incident: metric, and what happened to it.
        examples: trace and span of the worst, likewise, and their value in the metric's unit.
        can_accept: whether the level can be taken for the new normal.
        is_judges: whether it is the judge that changed, and not the answers.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    side: Literal["above", "below"]
    window_minutes: int
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    severity: Severity = "warning"
    description: str = ""
    compared_with: str = ""
    note: str = ""
    team: str = ""
    runbook: str = ""
    headline: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    beside: dict[str, str] = {}
    examples: tuple[tuple[str, str, float | None], ...] = ()
    can_accept: bool = False
    is_judges: bool = False

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """What stands in an outcome and its rule."""
        rule, baseline = outcome.rule, outcome.baseline
        return cls(
            side="above" if rule.above is not None else "below",
            window_minutes=_minutes(rule.window),
            low=outcome.reading.low,
            high=outcome.reading.high,
            baseline=baseline.value if baseline and rule.limit.relative else None,
            compared_with=_compared_with(rule.baseline),
            severity=outcome.severity,
            description=rule.description,
            team=rule.team,
            runbook=rule.runbook,
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the column. What another version or a person wrote there becomes the description."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return cls(side="above", window_minutes=1, description=text)

    @property
    def remarks(self) -> tuple[str, ...]:
        """The sentences, and what is said beside them."""
        return (*self.sentences, *(f"Beside it: {headline}." for headline in self.beside.values()))

    def withdrawn(self) -> Self:
        """The same for an alert that ends because its rule does."""
        note = "the rule was removed or changed, so nothing watches this any more"
        return self.model_copy(update={"note": note, "low": None, "high": None, "baseline": None})

    def ended(self, why: str) -> Self:
        """The same for an alert of drift detection that ends without a finding."""
        told = {"facts": (("Was", self.headline),), "sentences": (), "beside": {}, "examples": (), "can_accept": False}
        return self.model_copy(update={"headline": f"Over: {why}", **told})


def _minutes(time: timedelta) -> int:
    return round(time.total_seconds() / 60)


def _compared_with(baseline: timedelta | str | None) -> str:
    if isinstance(baseline, timedelta):
        return f"in the {window_name(baseline)} before"
    return {None: "", "last week": "a week before", "other version": "of the other version"}[baseline]
