"""The attributes of an observed span, made of its snapshots on an export thread."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from driftline import semconv
from driftline.capture.inputs import input_messages, request_attributes, request_model, system_instructions
from driftline.messages import render, render_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.util.types import AttributeValue

    from driftline.content import Message
    from driftline.observed import ObservedSpan

_log = logging.getLogger("driftline")


def attributes_of(span: ObservedSpan) -> dict[str, AttributeValue]:
    """All attributes known by now; what the application set by hand wins.

    Never raises: a part that cannot be made is left out.
    """
    found: dict[str, AttributeValue] = {semconv.OBSERVED: True}
    if span.is_request:
        # A web framework's span may be the trace's root, so the request has to say that it is one.
        found[semconv.REQUEST] = True
    found |= span.labels.attributes()
    for part in (_kind, _stream, _content):
        try:
            part(span, found)
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: a part of a span was not recorded", exc_info=True)
    found |= span.failure or {}
    found |= span.extras or {}
    return found


def _kind(span: ObservedSpan, found: dict[str, AttributeValue]) -> None:
    if span.kind_word is None:
        return
    found[semconv.SPAN_KIND] = span.kind_word
    if span.kind_word == semconv.WORKFLOW:
        found[semconv.OPERATION_NAME] = semconv.INVOKE_WORKFLOW
        found[semconv.WORKFLOW_NAME] = span.spec.name
        if span.entry is not None and span.entry.answer_model is not None:
            found[semconv.ANSWER_MODEL] = span.entry.answer_model
    elif span.result is not None and span.result.operation is not None:
        found |= span.result.call_attributes()


def _stream(span: ObservedSpan, found: dict[str, AttributeValue]) -> None:
    if not span.streaming:
        return
    found[semconv.REQUEST_STREAM] = True
    if span.first_chunk is not None:
        found[semconv.TIME_TO_FIRST_CHUNK] = max(span.first_chunk - span.started, 0) / 1e9
    if span.abandoned:
        found[semconv.ABANDONED] = True


def _content(span: ObservedSpan, found: dict[str, AttributeValue]) -> None:
    arguments = span.named_arguments()
    if arguments is not None and span.kind_word == semconv.CALL:
        found |= request_attributes(arguments)
        model = request_model(arguments)
        if model is not None:
            found[semconv.REQUEST_MODEL] = model
    if not span.captures_content:
        return
    if span.was_cut:
        found[semconv.CONTENT_TRUNCATED] = True
    if arguments is not None:
        _messages(span, found, semconv.INPUT_MESSAGES, input_messages(arguments), newest_first=True)
        system = system_instructions(arguments)
        if system:
            found[semconv.SYSTEM_INSTRUCTIONS], truncated = render_parts(system, span.recorder.max_content_chars)
            if truncated:
                found[semconv.CONTENT_TRUNCATED] = True
    if span.result is not None:
        _messages(span, found, semconv.OUTPUT_MESSAGES, span.result.messages, newest_first=False)


def _messages(
    span: ObservedSpan,
    found: dict[str, AttributeValue],
    key: str,
    messages: Sequence[Message],
    *,
    newest_first: bool,
) -> None:
    if not messages:
        return
    found[key], truncated = render(messages, span.recorder.max_content_chars, newest_first=newest_first)
    if truncated:
        found[semconv.CONTENT_TRUNCATED] = True
