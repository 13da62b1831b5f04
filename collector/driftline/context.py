"""What is known at this point of the application: its labels and the request under way.

It lives in OpenTelemetry's context, so it follows the application wherever the current span does:
into tasks, into threads that copy the context, and to spans that other instrumentations start.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

from opentelemetry import context as otel

from driftline import runtime, semconv
from driftline.baggage import labels_in, with_labels
from driftline.fields import label
from driftline.handle import Handle
from driftline.labels import NONE, Labels

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context

    from driftline.observed import ObservedSpan
    from driftline.spans import Entry

_log = logging.getLogger("driftline")
_KEY = otel.create_key("driftline-scope")


class Scope:
    """Everything that is known at one point.

    Attributes:
        request: the outermost observed span under way.
        entry: the innermost observed span, as others see it from inside.
    """

    __slots__ = ("entry", "labels", "request")

    def __init__(self, labels: Labels, request: ObservedSpan | None = None, entry: Entry | None = None) -> None:
        self.labels = labels
        self.request = request
        self.entry = entry


EMPTY = Scope(NONE)


def scope_in(context: Context | None = None) -> Scope | None:
    """The scope in a context, the current one by default."""
    scope = (otel.get_current() if context is None else context).get(_KEY)
    return scope if isinstance(scope, Scope) else None


def scope_around(context: Context, *, propagates: bool) -> Scope:
    """The scope in a context, or the one that came with a request from another service."""
    scope = scope_in(context)
    if scope is None and propagates:
        labels = labels_in(context)
        scope = None if labels is None else Scope(labels)
    return scope or EMPTY


def with_scope(scope: Scope, context: Context | None = None) -> Context:
    """A copy of the context with another scope."""
    return otel.set_value(_KEY, scope, context)


def current() -> Handle | None:
    """The request under way, for ``feedback()``; None outside of any observed function.

    Keep the handle, or its token ``str(handle)``, and use it whenever the user judges the answer.
    """
    scope = scope_in()
    return None if scope is None or scope.request is None else Handle(scope.request.info)


def fallback(reason: str, *, model: str | None = None) -> None:
    """Mark the request under way as answered by a second choice.

    Does nothing outside of a request or after it has ended, and never raises.

    Args:
        reason: few different values, such as ``"handover"``, ``"second_model"`` or ``"dont_know"``.
        model: the model that answered instead, if that is what the second choice was.
    """
    try:
        scope = scope_in()
        request = None if scope is None else scope.request
        if request is None or not request.is_recording():
            _log.debug("driftline: fallback(%r) outside of a request has no effect", reason)
            return
        request.set_attribute(semconv.FALLBACK_REASON, label(reason) or "unknown")
        second = label(model)
        if second is not None:
            request.set_attribute(semconv.FALLBACK_MODEL, second)
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.debug("driftline: fallback() failed", exc_info=True)


class Labelled:
    """Gives labels to all spans started within. A context manager for sync and async code; never raises."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._tokens: list[Token[Context] | None] = []

    def __enter__(self) -> Self:
        token = None
        try:
            context = otel.get_current()
            outer = scope_in(context) or EMPTY
            labels = outer.labels.inside(self._labels)
            if runtime.propagates_labels():
                context = with_labels(labels, context)
            token = otel.attach(with_scope(Scope(labels, outer.request, outer.entry), context))
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: labels were not set", exc_info=True)
        self._tokens.append(token)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        token = self._tokens.pop() if self._tokens else None
        if token is not None:
            otel.detach(token)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


class session(Labelled):  # noqa: N801 - reads as a function, like contextlib's own
    """Attach a session, and perhaps its user, to all spans started within.

    Works as ``with session(id):`` in sync and async code, and as ``async with``. An inner session
    replaces the outer one. Never raises.

    Args:
        id: identifies the conversation or visit; spans carry it as ``gen_ai.conversation.id``.
        user: identifies the user; spans carry it as ``user.id``. An outer session's user stays if not given.
    """

    def __init__(self, id: str, *, user: str | None = None) -> None:  # noqa: A002 - the public name
        super().__init__(Labels(session=label(id), user=label(user)))


class tags(Labelled):  # noqa: N801 - as above
    """Attach names and values of your own to all spans started within, as ``driftline.tag.<name>``.

    Never raises. They are kept with the spans for looking at and searching; numbers on the dashboard are not split
    by them, so they may have any number of different values.

    Args:
        values: turned into text; None is left out.
    """

    def __init__(self, **values: Any) -> None:
        named = {name: label(value) for name, value in values.items()}
        super().__init__(Labels(tags={name: value for name, value in named.items() if value is not None}))
