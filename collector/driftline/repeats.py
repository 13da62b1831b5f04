"""Calls that two instrumentations report, one inside the other, as those of a framework and of the client under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace import ReadableSpan

from driftline import semconv
from driftline.libraries import muted

if TYPE_CHECKING:
    from collections.abc import Mapping

    Usage = tuple[object, object]

_TOKENS: Final = (
    (semconv.INPUT_TOKENS, semconv.OUTPUT_TOKENS),
    ("llm.token_count.prompt", "llm.token_count.completion"),
)
"""Where instrumentations put tokens of input and output."""


def usage_of(attributes: Mapping[str, Any]) -> Usage | None:
    """Tokens of input and output of a call; None where nothing is known of them, as after an error."""
    for of_input, of_output in _TOKENS:
        usage = (attributes.get(of_input), attributes.get(of_output))
        if usage != (None, None):
            return usage
    return None


def is_muted(span: ReadableSpan) -> bool:
    """Whether a library reports by itself what an instrumentation of it does already."""
    scope = span.instrumentation_scope
    return bool(muted) and scope is not None and scope.name.startswith(tuple(muted))


def as_workflow(span: ReadableSpan) -> ReadableSpan:
    """A copy of a call's span as that of a workflow, which is not billed. Others still see the span as it was."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={**(span.attributes or {}), semconv.OPERATION_NAME: semconv.INVOKE_WORKFLOW},
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
