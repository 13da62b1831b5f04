"""What the application did about an answer: each a fact about the span under way, and a metric of its own.

All do nothing outside of any span, and never raise.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from opentelemetry.trace import get_current_span

from driftline import semconv
from driftline.fields import label
from driftline.observed import ObservedSpan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

_log = logging.getLogger("driftline")


def retried(times: int = 1) -> None:
    """The call was made again, after an error or because its answer would not do.

    Args:
        times: how often; calls add up.
    """
    _add(semconv.RETRIES, times)


def repaired(times: int = 1) -> None:
    """An answer that could not be used was mended, or asked for again with what was wrong with it.

    Args:
        times: how often; calls add up.
    """
    _add(semconv.REPAIRS, times)


def cached(hit: bool = True) -> None:
    """The answer came from the application's own cache, or was looked for there.

    Args:
        hit: whether it was there.
    """
    _set({semconv.CACHE_HIT: bool(hit)})


def guardrail(name: str, decision: str) -> None:
    """A guardrail looked at the request or the answer.

    Args:
        name: of the guardrail, such as ``"pii"``.
        decision: ``"pass"``, ``"block"`` or ``"modify"``.
    """
    _set({semconv.GUARDRAIL_NAME: label(name), semconv.GUARDRAIL_DECISION: label(decision)})


def routed(choice: str, *, router: str | None = None, confidence: float | None = None) -> None:
    """A router chose who answers.

    Args:
        choice: what it chose: a model, an agent, a prompt, a person.
        router: its name, where there are several.
        confidence: how sure it was, from 0 to 1.
    """
    sure = float(confidence) if isinstance(confidence, int | float) else None
    _set(
        {
            semconv.ROUTE_CHOICE: label(choice),
            semconv.ROUTE_NAME: label(router),
            semconv.ROUTE_CONFIDENCE: sure,
        }
    )


def _add(key: str, times: int) -> None:
    try:
        span = get_current_span()
        known: Mapping[str, AttributeValue] | None
        known = span.extras if isinstance(span, ObservedSpan) else getattr(span, "attributes", None)
        before = (known or {}).get(key, 0)
        _set({key: (before if isinstance(before, int) else 0) + int(times)})
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.debug("driftline: %s was not recorded", key, exc_info=True)


def _set(facts: Mapping[str, AttributeValue | None]) -> None:
    try:
        span = get_current_span()
        for key, value in facts.items():
            if value is not None:
                span.set_attribute(key, value)
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.debug("driftline: %s was not recorded", ", ".join(facts), exc_info=True)
