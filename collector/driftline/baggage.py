"""Labels on their way to other services, in OpenTelemetry's baggage: an HTTP header that goes along with each request.

Off by default (``propagate_labels``): baggage goes to whomever the application calls, third parties too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import baggage

from driftline import semconv
from driftline.fields import label
from driftline.labels import Labels

if TYPE_CHECKING:
    from opentelemetry.context import Context

_KEYS: Final = {
    "driftline.feature": "feature",
    "driftline.prompt_name": "prompt_name",
    "driftline.prompt_version": "prompt_version",
    "driftline.session": "session",
    "driftline.user": "user",
    "driftline.experiment": "experiment",
    "driftline.variant": "variant",
}
_MOST_TAGS: Final = 32
"""Tags taken from a header that anybody may have written."""


def with_labels(labels: Labels, context: Context) -> Context:
    """A copy of the context whose baggage has these labels."""
    for key, name in _KEYS.items():
        value = getattr(labels, name)
        if value is not None:
            context = baggage.set_baggage(key, value, context)
    for name, value in labels.tags.items():
        context = baggage.set_baggage(semconv.TAG_PREFIX + name, value, context)
    return context


def labels_in(context: Context) -> Labels | None:
    """The labels that came with a request; None where there are none."""
    carried = baggage.get_all(context)
    named = {name: label(carried[key]) for key, name in _KEYS.items() if key in carried}
    tags = [(key, label(value)) for key, value in carried.items() if key.startswith(semconv.TAG_PREFIX)]
    kept = {key.removeprefix(semconv.TAG_PREFIX): value for key, value in tags[:_MOST_TAGS] if value is not None}
    return Labels(**named, tags=kept) if named or kept else None
