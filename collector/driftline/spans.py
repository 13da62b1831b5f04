"""The span processor: hands down what is known, and notices which observed spans have calls inside.

Whether an observed span is a call or a workflow is only known when it ends. So every live span has an
entry here, linked to its parent's, and a call that ends marks all entries above it; an observed span
then looks at its own mark.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.trace import StatusCode

from driftline import semconv
from driftline.context import Scope, scope_around, scope_in
from driftline.observed import ObservedSpan
from driftline.repeats import as_workflow, is_muted, usage_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext

    from driftline.repeats import Usage

_log = logging.getLogger("driftline")
MAX_LIVE = 32_768
"""Entries kept for spans that have not ended; the oldest goes first, as one that never will."""


class Entry:
    """A live span, seen from the spans inside it.

    Attributes:
        has_call: a call has ended within it, at any depth.
        usage: tokens of the last call that ended within it.
        inside: it is an observed span or within one.
        relevant: an observed span or one that has to do with a model has been within it.
        answer_model, answer_id: of the last call that ended within it or is it, a successful one if any was.
    """

    __slots__ = (
        "_answered",
        "answer_id",
        "answer_model",
        "ended",
        "has_call",
        "inside",
        "parent",
        "relevant",
        "scope",
        "trace_id",
        "usage",
    )

    def __init__(
        self, trace_id: int, parent: Entry | None, scope: Scope | None = None, *, observed: bool = False
    ) -> None:
        self.trace_id = trace_id
        self.parent = _first_live(parent)
        self.scope = scope
        self.inside: bool = observed or (parent is not None and parent.inside)
        self.relevant = observed
        self.has_call = False
        self.usage: Usage | None = None
        self.ended = False
        self.answer_model: str | None = None
        self.answer_id: str | None = None
        self._answered = False

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        """What is left to ask of it once it has ended."""
        return None, {"answer_model": self.answer_model, "answer_id": self.answer_id}

    def answered(self, model: str | None, response_id: str | None, *, failed: bool) -> None:
        """Note the outcome of a call; one that failed does not displace one that answered."""
        if failed and self._answered:
            return
        self._answered = not failed
        self.answer_model = model
        self.answer_id = response_id


def _first_live(entry: Entry | None) -> Entry | None:
    """The nearest entry that has not ended, shortening the chain.

    A background task that starts its own successor would otherwise grow a chain without end.
    """
    while entry is not None and entry.ended:
        entry = entry.parent
    if entry is not None:
        while entry.parent is not None and entry.parent.ended:
            entry.parent = entry.parent.parent
    return entry


class Tracker(SpanProcessor):
    """Joins a tracer provider; spans that concern Driftline are handed to ``deliver`` when they end.

    Spans of an application's other work, which neither are in an observed function nor have to do with
    a model nor contain one that does, are left alone.
    """

    def __init__(self, max_live: int = MAX_LIVE) -> None:
        self.deliver: Callable[[ReadableSpan], None] | None = None
        self.propagates_labels = False
        self._max_live = max_live
        self._live: dict[int, Entry] = {}
        self._lock = threading.RLock()  # a finalizer may end a span while this thread holds it

    def entry(self, span_id: int) -> Entry | None:
        """The entry of a live span."""
        return self._live.get(span_id)

    def enter(self, span: ObservedSpan, outer: Scope) -> Entry:
        """Make the entry of an observed span, whose scope is set when there is one.

        Args:
            span: the span, which has just begun.
            outer: the scope around it.
        """
        place = span.place
        entry = Entry(place.trace_id, self._parent(span.parent, place.trace_id, outer), observed=True)
        _mark_relevant(entry.parent)
        self._keep(place.span_id, entry)
        return entry

    def conclude(self, span: ObservedSpan, entry: Entry) -> str:
        """Decide whether an observed span is a workflow, a call or a step, now that all inside has ended."""
        with self._lock:
            self._live.pop(span.place.span_id, None)
        entry.ended = True
        if entry.has_call:
            return semconv.WORKFLOW
        result = span.result
        if result is None or result.operation is None:
            return semconv.STEP
        failed = span.status.status_code is StatusCode.ERROR
        _note(entry, result.model, result.response_id, answers=result.operation in semconv.INFERENCES, failed=failed)
        return semconv.CALL

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Hand down what is known at this point, unless the span says otherwise itself."""
        if type(span) is ObservedSpan:
            return
        try:
            self._start(span, parent_context)
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: a starting span was not tracked", exc_info=True)

    def on_end(self, span: ReadableSpan) -> None:
        """Mark the spans around an ended call, and deliver the span."""
        try:
            ended = span if type(span) is ObservedSpan else self._end(span)
            if ended is not None:
                self._deliver(ended)
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: an ended span was not tracked", exc_info=True)

    def after_fork(self) -> None:
        """Forget the parent process's spans and a lock that one of its threads may have held."""
        self._lock = threading.RLock()
        self._live = {}

    def _start(self, span: Span, context: Context | None) -> None:
        place = span.get_span_context()
        scope = scope_in(context)
        parent = self._parent(span.parent, place.trace_id, scope)
        if scope is None and parent is not None:
            scope = parent.scope  # a context made by hand from the span alone
        if scope is None and self.propagates_labels:
            scope = scope_around(otel.get_current() if context is None else context, propagates=True)
        attributes: Mapping[str, Any] = span.attributes or {}
        if scope is not None:
            for key, value in scope.labels.attributes().items():
                if key not in attributes:
                    span.set_attribute(key, value)
        entry = Entry(place.trace_id, parent, scope)
        if _concerns_model(attributes):
            _mark_relevant(entry)
        self._keep(place.span_id, entry)

    def _keep(self, span_id: int, entry: Entry) -> None:
        with self._lock:
            if len(self._live) >= self._max_live:
                del self._live[next(iter(self._live))]
            self._live[span_id] = entry

    def _parent(self, around: SpanContext | None, trace_id: int, scope: Scope | None) -> Entry | None:
        parent = None if around is None else self._live.get(around.span_id)
        if parent is None and scope is not None and scope.entry is not None and scope.entry.trace_id == trace_id:
            return scope.entry  # the direct parent has ended already; those around it may not have
        return parent

    def _end(self, span: ReadableSpan) -> ReadableSpan | None:
        """Note the end of another instrumentation's span, and give what to deliver if it concerns us."""
        place = span.context
        if place is None:
            return None
        with self._lock:
            entry = self._live.pop(place.span_id, None)
        if entry is None:  # started before we joined, or long forgotten
            entry = Entry(place.trace_id, self._parent(span.parent, place.trace_id, None))
        entry.ended = True
        if is_muted(span):
            return None
        attributes: Mapping[str, Any] = span.attributes or {}
        if _note_call(entry, span, attributes):
            span = as_workflow(span)
        if entry.inside or entry.relevant:
            return span
        if not _concerns_model(attributes):
            return None
        _mark_relevant(entry.parent)
        return span

    def _deliver(self, span: ReadableSpan) -> None:
        place = span.get_span_context()
        if self.deliver is not None and place is not None and place.trace_flags.sampled:
            self.deliver(span)


def _note_call(entry: Entry, span: ReadableSpan, attributes: Mapping[str, Any]) -> bool:
    """Mark what is around another instrumentation's span if that is a call, and say if it repeats one inside it."""
    for key, inferences, embeddings in semconv.CALL_MARKS:
        kind = attributes.get(key)
        if kind in inferences or kind in embeddings:
            break
    else:
        return False
    usage = usage_of(attributes)
    if entry.has_call and (usage is None or usage == entry.usage):
        return True
    model = next((str(attributes[key]) for key in semconv.CALL_MODELS if attributes.get(key)), None)
    named = attributes.get(semconv.RESPONSE_ID)
    response_id = named if isinstance(named, str) else None
    failed = span.status.status_code is StatusCode.ERROR
    # An embedding is never the answer.
    _note(entry, model, response_id, answers=kind in inferences, failed=failed, usage=usage)
    return False


def _note(
    entry: Entry,
    model: str | None,
    response_id: str | None,
    *,
    answers: bool,
    failed: bool,
    usage: Usage | None = None,
) -> None:
    around: Entry | None = entry
    while around is not None:
        if answers:
            around.answered(model, response_id, failed=failed)
        around = around.parent
        if around is not None:
            around.has_call = True
            around.usage = usage


def _mark_relevant(entry: Entry | None) -> None:
    while entry is not None and not entry.relevant:
        entry.relevant = True
        entry = entry.parent


def _concerns_model(attributes: Mapping[str, Any]) -> bool:
    return any(
        key.startswith(semconv.LLM_PREFIXES)
        and key not in semconv.PROPAGATED
        and not key.startswith(semconv.TAG_PREFIX)
        for key in attributes
    )
