"""The span of an observed function: all that the application's thread does for it, and no more.

It is an OpenTelemetry SDK span to everybody: current in the context, seen by the provider's other processors, open to
``set_attribute``. But it only holds references and small snapshots; its attributes are made when somebody first
asks for them, which is an export thread (``attributes``). An SDK span with a dozen attributes costs the caller twice
as much (``benchmarks/collector.py``).
"""

from __future__ import annotations

import time
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, Span
from opentelemetry.trace import SpanKind, Status, StatusCode

from driftline.attributes import attributes_of
from driftline.fields import clean
from driftline.handle import RequestInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextvars import Token

    from opentelemetry.trace import Link, SpanContext
    from opentelemetry.util.types import Attributes, AttributeValue

    from driftline.capture import Result
    from driftline.labels import Labels
    from driftline.recording import Recorder
    from driftline.spans import Entry
    from driftline.spec import Spec

_UNSET = Status(StatusCode.UNSET)
_NOWHERE = Context()
_MAX_EXTRAS = 128
_BASE_SIZE = 1200
"""Bytes that a recorded span holds on to besides its texts, measured with tracemalloc."""

_RECORDED = (
    *("_name", "_context", "_parent", "_start_time", "_end_time", "_status", "_events", "started", "labels", "entry"),
    *("is_request", "arguments", "result", "failure", "extras", "kind_word", "streaming", "first_chunk", "abandoned"),
    *("was_cut", "size"),
)
_recorded = attrgetter(*_RECORDED)


class ObservedSpan(Span):
    """A span whose attributes are made later.

    Attributes:
        place: its ids.
        started: when the function was called, in nanoseconds since 1970.
        labels: what it inherits and hands down.
        entry: how spans inside see it; None when it is not recorded.
        is_request: it is the outermost one observed in its trace.
        arguments: frozen positional and named arguments of the function; None while there are none.
        result: what was understood of what the function returned.
        failure: attributes of what it raised.
        extras: attributes set by hand.
        kind_word: ``call``, ``step`` or ``workflow``; known when it ends.
        streaming: the answer came in pieces.
        first_chunk: when the first piece came, in nanoseconds since 1970.
        abandoned: whoever consumed the pieces stopped before the last one.
        size: bytes that it holds on to, roughly.
        was_cut: not all of the arguments could be kept.
        inside: what is current inside the function.
        token: takes that away again; None while it is not in place.
    """

    _kind = SpanKind.INTERNAL
    _links: Sequence[Link] = ()
    _instrumentation_info = None

    def __init__(
        self,
        recorder: Recorder,
        spec: Spec,
        labels: Labels,
        context: SpanContext,
        parent: SpanContext | None,
        *,
        recording: bool,
    ) -> None:
        self._name = spec.name
        self._context = self.place = context
        self._parent = parent
        self._start_time = self.started = time.time_ns()
        self._ticks = time.perf_counter_ns()
        self._resource = recorder.tracer.resource
        self._instrumentation_scope = recorder.scope
        self._end_time = None
        self._status = _UNSET
        self._events: Any = ()
        self._recording = recording
        self._built: dict[str, AttributeValue] | None = None
        self.recorder = recorder
        self.spec = spec
        self.labels = labels
        self.entry: Entry | None = None
        self.is_request = False
        self.arguments: tuple[Sequence[Any], Mapping[str, Any]] | None = None
        self.result: Result | None = None
        self.failure: dict[str, AttributeValue] | None = None
        self.extras: dict[str, AttributeValue] | None = None
        self.kind_word: str | None = None
        self.streaming = False
        self.first_chunk: int | None = None
        self.abandoned = False
        self.size = _BASE_SIZE
        self.was_cut = False
        self.inside: Context = _NOWHERE
        self.token: Token[Context] | None = None

    @property
    def _attributes(self) -> Any:  # type: ignore[override]  # what the SDK keeps, we make
        """All attributes known by now; made once for a span that has ended."""
        if self._built is not None:
            return self._built
        built = attributes_of(self)
        if self._end_time is not None:
            self._built = built  # two export threads may both come here, and make the same
        return built

    @property
    def attributes(self) -> Attributes:
        """All attributes known by now."""
        return MappingProxyType(self._attributes)

    @property
    def captures_content(self) -> bool:
        """Whether prompts and answers of this function are recorded."""
        own = self.spec.capture_content
        return self.recorder.capture_content if own is None else own

    def named_arguments(self) -> dict[str, Any] | None:
        """The function's arguments by name; None where there are none to record."""
        return None if self.arguments is None else self.spec.bind(*self.arguments)

    def info(self) -> RequestInfo:
        """What feedback on this request needs to know, with the answer's model and id as far as they are known."""
        entry = self.entry
        return RequestInfo(
            trace_id=self.place.trace_id,
            span_id=self.place.span_id,
            start_ns=self.started,
            service=self.recorder.service,
            environment=self.recorder.environment,
            feature=self.labels.feature or self._name,
            prompt_name=self.labels.prompt_name,
            prompt_version=self.labels.prompt_version,
            model=None if entry is None else entry.answer_model,
            response_id=None if entry is None else entry.answer_id,
            variant=self.labels.named_variant(),
        )

    def get_span_context(self) -> SpanContext:
        """Ids of the span."""
        return self.place

    def is_recording(self) -> bool:
        """Whether what is set on it goes anywhere."""
        return self._recording and self._end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Add an attribute of the application's own, or replace one of ours."""
        if self.is_recording():
            extras = self.extras
            if extras is None:
                extras = self.extras = {}
            if len(extras) < _MAX_EXTRAS or key in extras:
                extras[key] = value
                self.size += 100 + (len(value) if isinstance(value, str) else 0)

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Add several attributes."""
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event of the application's own."""
        if self.is_recording() and len(self._events) < _MAX_EXTRAS:
            self._events = (*self._events, Event(name, attributes, timestamp or time.time_ns()))
            self.size += 500

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Links are not recorded; the spans that they lead to are."""

    def update_name(self, name: str) -> None:
        """Rename it."""
        if self.is_recording():
            self._name = str(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say by hand how it went."""
        if self.is_recording():
            self._status = status if isinstance(status, Status) else Status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Add an event about an exception that the application dealt with."""
        kind = type(exception)
        said = {"exception.type": f"{kind.__module__}.{kind.__qualname__}", "exception.escaped": str(escaped)}
        if self.captures_content:
            said["exception.message"] = clean(str(exception))
        self.add_event("exception", {**said, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """Nothing: it ends when its function does, and only then."""

    def now(self) -> int:
        """Nanoseconds since 1970 by a clock that does not jump while the function runs."""
        return self.started + time.perf_counter_ns() - self._ticks

    def begin_at(self, start_time: int) -> None:
        """It began at another time, in nanoseconds since 1970, than it was opened."""
        self._start_time = self.started = start_time

    def snapshot(self) -> tuple[Any, ...]:
        """What was recorded, apart from recorder and spec: plain values, once it has ended."""
        return _recorded(self)

    @classmethod
    def restored(cls, recorder: Recorder, spec: Spec, snapshot: tuple[Any, ...]) -> ObservedSpan:
        """The ended span that a snapshot was taken of."""
        span = object.__new__(cls)
        recorded = dict(zip(_RECORDED, snapshot, strict=True))
        span.__dict__ |= recorded | {
            "recorder": recorder,
            "spec": spec,
            "place": recorded["_context"],
            "_built": None,
            "_resource": recorder.tracer.resource,
            "_instrumentation_scope": recorder.scope,
        }
        return span

    def close(self, end_time: int) -> None:
        """Note when the function ended; from then on nothing changes."""
        self._end_time = end_time
        # What is current inside leads back here: such circles would be left to the garbage collector.
        self.inside = _NOWHERE
        if self.entry is not None:
            self.entry.scope = None
