"""Which alerts contain a feature, so that applications answer with its fallback: ``containment`` in alerts.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from driftline.containment.state import Contained
from driftline_alerts.channels.config import Address, SigningSecret  # noqa: TC001  pydantic reads them
from driftline_alerts.rule import DRIFT, SEVERITIES, Severity
from driftline_alerts.system_metrics import SYSTEM
from driftline_alerts.transition import OPEN
from driftline_processors.judge.fields import Share, Texts  # noqa: TC001
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline_alerts.transition import Transition

DRIFT_RULES: Final = "drift"
"""Among ``rules``: all that drift detection finds."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Webhook(_Strict):
    """Who else is told, such as a flag provider or a deploy pipeline."""

    url: Address = Field(description="Where to post.")
    secret: SigningSecret = Field(description="What requests are signed with: `${NAME}` of the environment.")


class Containment(_Strict):
    """What is contained, and by what."""

    features: Texts = Field(
        description="Those that have a fallback and ask `driftline.guard()`. `[]` ends what is contained."
    )
    severity: Severity = Field(default="critical", description="An alert of at least that contains.")
    rules: Texts = Field(
        default=(),
        description="Names of rules whose alerts contain; `drift` is all of drift detection. Without it, all whose "
        "segments name a feature.",
    )
    let_through: Annotated[Share, Field(lt=1)] = Field(
        default=0.0,
        description="Share of requests that take the usual way all the same, so that one sees when it is right again.",
    )
    webhook: Webhook | None = Field(default=None, description="Told when a feature begins and ends to be contained.")

    def features_of(self, alert: Transition) -> tuple[str, ...]:
        """The features that an alert contains.

        It is the one that its segment names. A segment without that dimension is of all of them, but contains them only
        if ``rules`` names the alert's rule. Requests that state no feature are of none of them.
        """
        if alert.state not in OPEN or not self._is_meant(alert):
            return ()
        feature = dict(alert.segment).get("feature")
        if feature is None:
            return self.features if self.rules else ()
        return (feature,) if feature in self.features else ()

    def _is_meant(self, alert: Transition) -> bool:
        # That the judge changed, or that Driftline itself is in trouble, says nothing of the answers.
        if alert.detail.is_judges or alert.metric in SYSTEM:
            return False
        name = DRIFT_RULES if alert.rule.startswith(DRIFT) else alert.rule
        is_grave = alert.gravity >= SEVERITIES.index(self.severity)
        return is_grave and (not self.rules or name in self.rules)


def contained(alerts: Iterable[Transition], containment: Containment) -> tuple[Contained, ...]:
    """What is contained now, the oldest reason first.

    Args:
        alerts: the latest transition of each.
        containment: which of them contain.
    """
    return tuple(
        Contained(
            feature=feature,
            incident=alert.incident,
            since=alert.started.isoformat(timespec="seconds"),
            why=_why(alert),
            where={name: value for name, value in alert.segment if value and name != "feature"},
            let_through=containment.let_through,
        )
        for alert in sorted(alerts, key=lambda alert: (alert.started, alert.incident))
        for feature in containment.features_of(alert)
    )


def _why(alert: Transition) -> str:
    metric = METRICS.get(alert.metric)
    if alert.detail.headline or metric is None:
        return alert.detail.headline or alert.rule
    return f"{alert.rule}: {metric.title} {format_value(metric, alert.value)}"
