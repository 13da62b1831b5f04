"""One observed call of a function, from its start to its outcome."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry.trace import StatusCode, set_span_in_context

from driftline import semconv
from driftline.capture import Result, understand
from driftline.capture.errors import error_attributes, error_message, is_model_error
from driftline.capture.inputs import bind, input_messages, request_model
from driftline.context import EMPTY, Request, scope_in, with_scope
from driftline.fields import field
from driftline.handle import RequestInfo
from driftline.messages import render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from driftline.content import Message
    from driftline.decorator import Spec
    from driftline.spans import Entry, Tracker

_log = logging.getLogger("driftline")


@dataclass(frozen=True, slots=True)
class Recorder:
    """Opens the spans of observed functions.

    Attributes:
        capture_content: whether prompts and answers are recorded.
        max_content_chars: most characters kept of one prompt or one answer.
        service: name of the observed service.
        environment: its deployment environment.
    """

    tracer: Tracer
    tracker: Tracker
    capture_content: bool
    max_content_chars: int
    service: str | None
    environment: str | None

    def begin(self, spec: Spec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        """Open the span and make it current; None when nothing is to be recorded."""
        outside = otel.get_current()
        outer = scope_in(outside) or EMPTY
        scope = outer.nearer(spec.feature, spec.prompt_name, spec.prompt_version)
        span = self.tracer.start_span(
            spec.name,
            context=with_scope(scope, outside),
            attributes={semconv.OBSERVED: True},
            record_exception=False,
            set_status_on_exception=False,
        )
        place = span.get_span_context()
        if not place.is_valid:  # OTEL_SDK_DISABLED
            return None
        entry = self.tracker.entry(place.span_id)
        request = scope.request
        if request is None or request.info.trace_id != place.trace_id:
            info = RequestInfo(
                trace_id=place.trace_id,
                span_id=place.span_id,
                start_ns=getattr(span, "start_time", None) or time.time_ns(),
                service=self.service,
                environment=self.environment,
                feature=scope.feature or spec.name,
                prompt_name=scope.prompt_name,
                prompt_version=scope.prompt_version,
            )
            request = Request(span, entry, info)
            # A web framework's span may be the trace's root, so the request has to say that it is one.
            span.set_attribute(semconv.REQUEST, True)
        inside = with_scope(replace(scope, request=request, entry=entry or scope.entry), outside)
        call = Call(self, spec, span, entry, otel.attach(set_span_in_context(span, inside)))
        call.record_input(args, kwargs)
        return call


class Call:
    """An observed call under way. Its methods never raise."""

    __slots__ = ("_arguments_model", "_entry", "_recorder", "_span", "_spec", "_token")

    def __init__(self, recorder: Recorder, spec: Spec, span: Span, entry: Entry | None, token: Token[Context]) -> None:
        self._recorder = recorder
        self._spec = spec
        self._span = span
        self._entry = entry
        self._token = token
        self._arguments_model: str | None = None

    def record_input(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Record what the function was asked."""
        try:
            if not self._span.is_recording():
                return
            arguments = bind(self._spec.signature, args, kwargs)
            self._arguments_model = request_model(arguments)
            if self._captures_content:
                self._record_content(semconv.INPUT_MESSAGES, input_messages(arguments), newest_first=True)
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: an input was not recorded", exc_info=True)

    def succeed(self, result: object) -> None:
        """Record what the function returned, and end the span."""
        ended = time.time_ns()  # first, so that recording is not part of the latency
        try:
            if self._span.is_recording():
                understood = understand(result)
                self._classify(understood)
                self._record_output(understood)
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: an output was not recorded", exc_info=True)
        self._end(ended)

    def fail(self, error: BaseException) -> None:
        """Record what the function raised, and end the span."""
        ended = time.time_ns()
        try:
            if self._span.is_recording():
                self._record_error(error)
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: an error was not recorded", exc_info=True)
        self._end(ended)

    @property
    def _captures_content(self) -> bool:
        own = self._spec.capture_content
        return self._recorder.capture_content if own is None else own

    def _record_error(self, error: BaseException) -> None:
        # Some errors of the OpenAI SDK carry the paid-for answer that could not be used.
        partial = field(error, "completion") if is_model_error(error) else None
        understood = understand(partial)
        if understood.operation is None and is_model_error(error):
            understood = Result(operation=semconv.CHAT)
        self._classify(understood)
        if isinstance(error, asyncio.CancelledError):
            # Nobody failed: whoever waited for the answer went away.
            self._span.set_attribute(semconv.CANCELLED, True)
            return
        for key, value in error_attributes(error):
            self._span.set_attribute(key, value)
        # An exception's text often quotes the prompt or the answer.
        self._span.set_status(StatusCode.ERROR, error_message(error) if self._captures_content else None)

    def _classify(self, result: Result) -> None:
        """Decide whether this is a workflow, a call or a step, now that all inside has ended."""
        if self._entry is not None and self._entry.has_call:
            self._span.set_attribute(semconv.SPAN_KIND, semconv.WORKFLOW)
            self._span.set_attribute(semconv.OPERATION_NAME, semconv.INVOKE_WORKFLOW)
            self._span.set_attribute(semconv.WORKFLOW_NAME, self._spec.name)
            if self._entry.answer_model is not None:
                self._span.set_attribute(semconv.ANSWER_MODEL, self._entry.answer_model)
        elif result.operation is not None:
            self._span.set_attribute(semconv.SPAN_KIND, semconv.CALL)
            if self._arguments_model is not None:
                self._span.set_attribute(semconv.REQUEST_MODEL, self._arguments_model)
            for key, value in result.call_attributes():
                self._span.set_attribute(key, value)
        else:
            self._span.set_attribute(semconv.SPAN_KIND, semconv.STEP)

    def _record_output(self, result: Result) -> None:
        if self._captures_content:
            self._record_content(semconv.OUTPUT_MESSAGES, result.messages, newest_first=False)

    def _record_content(self, key: str, messages: Sequence[Message], *, newest_first: bool) -> None:
        if not messages:
            return
        text, truncated = render(messages, self._recorder.max_content_chars, newest_first=newest_first)
        self._span.set_attribute(key, text)
        if truncated:
            self._span.set_attribute(semconv.CONTENT_TRUNCATED, True)

    def _end(self, ended: int) -> None:
        try:
            self._span.end(ended)
        except Exception:  # noqa: BLE001 - another processor of the application's provider may raise
            _log.debug("driftline: a span did not end cleanly", exc_info=True)
        otel.detach(self._token)
