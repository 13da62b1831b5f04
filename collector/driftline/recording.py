"""One observed call of a function, from its start to its outcome, on the application's thread.

Everything here is paid for by the application, so it takes references and small snapshots and leaves all else to
the export thread.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as otel
from opentelemetry.sdk.trace.sampling import DEFAULT_ON, Decision
from opentelemetry.trace import (
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

from driftline import semconv
from driftline.baggage import with_labels
from driftline.capture import Result, understand
from driftline.capture.errors import error_attributes, error_message, failed_call, is_model_error
from driftline.context import Scope, scope_around, with_scope
from driftline.following import Following
from driftline.frozen import Room, freeze
from driftline.generators import AsyncSteps, Steps
from driftline.lazy import conclude
from driftline.observed import ObservedSpan

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Tracer
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from driftline.spans import Tracker
    from driftline.spec import Spec

_log = logging.getLogger("driftline")

_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_UNSAMPLED: Final = TraceFlags(TraceFlags.DEFAULT)
_MARGIN: Final = 256
"""Characters kept beyond the longest text that is recorded, so that cutting it is noticed and redaction sees on."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Opens and closes the spans of observed functions.

    Attributes:
        tracer: the SDK's, for its ids, sampler, resource and processors.
        scope: how our spans say who made them.
        capture_content: whether prompts and answers are recorded.
        max_content_chars: most characters kept of one prompt or one answer.
        service: name of the observed service.
        environment: its deployment environment.
        propagates_labels: whether labels go to other services, and are taken from theirs.
    """

    tracer: Tracer
    scope: InstrumentationScope
    tracker: Tracker
    capture_content: bool
    max_content_chars: int
    service: str | None
    environment: str | None
    propagates_labels: bool

    def begin(self, spec: Spec, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ObservedSpan:
        """Open a span, make it current, and take what the function was asked."""
        span = self.open(spec)
        self.take_arguments(span, args, kwargs)
        span.token = otel.attach(span.inside)
        return span

    def open(self, spec: Spec) -> ObservedSpan:
        """Open a span below the current one, without making it current."""
        outside = otel.get_current()
        outer = scope_around(outside, propagates=self.propagates_labels)
        labels = spec.labels_within(outer.labels)
        parent = get_current_span(outside).get_span_context()
        context, recording = self._place(spec, outside, parent)
        span = ObservedSpan(self, spec, labels, context, parent if parent.is_valid else None, recording=recording)
        request = outer.request
        if request is None or request.place.trace_id != context.trace_id:
            request = span
            span.is_request = True
        if recording:
            span.entry = self.tracker.enter(span, outer)
            _tell(self.tracer.span_processor.on_start, span, outside)
        scope = Scope(labels, request, span.entry or outer.entry)
        if span.entry is not None:
            span.entry.scope = scope
        inside = with_labels(labels, outside) if self.propagates_labels else outside
        span.inside = set_span_in_context(span, with_scope(scope, inside))
        return span

    def _place(self, spec: Spec, outside: Context, parent: SpanContext) -> tuple[SpanContext, bool]:
        """Ids of a new span, and whether the provider's sampler wants it recorded."""
        tracer = self.tracer
        is_root = not parent.is_valid
        trace_id = tracer.id_generator.generate_trace_id() if is_root else parent.trace_id
        if tracer.sampler is DEFAULT_ON:  # what nearly everybody has, without asking it
            flags = _SAMPLED if is_root else parent.trace_flags
            recording = bool(flags & TraceFlags.SAMPLED)
            state = parent.trace_state
        else:
            asked = tracer.sampler.should_sample(outside, trace_id, spec.name, SpanKind.INTERNAL, None, ())
            flags = _SAMPLED if asked.decision is Decision.RECORD_AND_SAMPLE else _UNSAMPLED
            recording = asked.decision is not Decision.DROP
            state = asked.trace_state or parent.trace_state
        return SpanContext(trace_id, tracer.id_generator.generate_span_id(), False, flags, state), recording

    def take_arguments(self, span: ObservedSpan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Take a snapshot of what a function was asked."""
        if not span.is_recording():
            return
        try:
            if span.spec.skips_first:
                args = args[1:]
            room = Room(self.max_content_chars + _MARGIN)
            span.arguments = (
                [freeze(value, room) for value in args],
                {name: freeze(value, room) for name, value in kwargs.items()} if kwargs else kwargs,
            )
            span.size += room.size
            span.was_cut = room.nodes <= 0
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: an input was not recorded", exc_info=True)

    def succeed(self, span: ObservedSpan, result: object) -> None:
        """Take what the function returned, and end the span."""
        ended = span.now()  # first, so that recording is not part of the latency
        if span.is_recording():
            try:
                self.take_result(span, understand(result))
            except Exception:  # noqa: BLE001 - telemetry never raises into the application
                _log.debug("driftline: an output was not recorded", exc_info=True)
        self.leave(span)
        self.close(span, ended)

    def fail(self, span: ObservedSpan, error: BaseException, partial: Result | None = None) -> None:
        """Take what the function raised, and end the span.

        Args:
            span: whose function raised.
            error: what it raised.
            partial: what had come of a stream before.
        """
        ended = span.now()
        self.take_error(span, error, partial)
        self.leave(span)
        self.close(span, ended)

    def take_error(self, span: ObservedSpan, error: BaseException, partial: Result | None = None) -> None:
        """Keep what an exception says with its span."""
        if not span.is_recording():
            return
        try:
            _take_error(span, error, partial)
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: an error was not recorded", exc_info=True)

    def conclude(self, span: ObservedSpan, result: Any) -> Any:
        """Record what the function returned, now or when it has come whole, and give what its caller gets."""
        try:
            return conclude(span, result)
        except Exception:  # noqa: BLE001 - a class that allows no subclass, say: its stream stays unseen
            _log.debug("driftline: a result was not followed", exc_info=True)
            self.leave(span)
            self.close(span, span.now())
            return result

    def steps(
        self, span: ObservedSpan, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Steps:
        """The steps of a generator function's generator, whose body runs inside the span."""
        return Steps(self._source(span, function, args, kwargs), Following(span), span.inside)

    def async_steps(
        self, span: ObservedSpan, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> AsyncSteps:
        """Those of an asynchronous generator function's generator."""
        return AsyncSteps(self._source(span, function, args, kwargs), Following(span), span.inside)

    def _source(
        self, span: ObservedSpan, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        try:
            return function(*args, **kwargs)
        except BaseException as error:  # arguments that do not fit
            self.fail(span, error)
            raise

    def take_result(self, span: ObservedSpan, result: Result) -> None:
        """Keep a result with its span."""
        span.result = result
        span.size += result.size()

    def leave(self, span: ObservedSpan) -> None:
        """Make what was current outside of the function current again."""
        token, span.token = span.token, None
        if token is not None:
            otel.detach(token)

    def close(self, span: ObservedSpan, ended: int) -> None:
        """End a span, which can be done once."""
        if not span.is_recording():
            return
        if span.entry is not None:
            span.kind_word = self.tracker.conclude(span, span.entry)
        span.close(ended)
        _tell(self.tracer.span_processor.on_end, span)


def _tell(what: Any, *about: Any) -> None:
    """Tell the provider's processors, ours among them; one of the application's may raise anything."""
    try:
        what(*about)
    except Exception:  # noqa: BLE001 - as said
        _log.debug("driftline: a span processor raised", exc_info=True)


def _take_error(span: ObservedSpan, error: BaseException, partial: Result | None) -> None:
    if partial is None or partial.operation is None:
        came = () if partial is None else partial.messages
        partial = failed_call(error) if is_model_error(error) else Result()
        partial.messages = partial.messages or came
    span.result = partial
    if isinstance(error, asyncio.CancelledError):
        # Nobody failed: whoever waited for the answer went away.
        span.failure = {semconv.CANCELLED: True}
        return
    span.failure = dict(error_attributes(error))
    # An exception's text often quotes the prompt or the answer.
    span.set_status(Status(StatusCode.ERROR, error_message(error) if span.captures_content else None))
