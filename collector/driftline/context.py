"""What is known at this point of the application: feature, prompt, session, user and the request under way.

It lives in OpenTelemetry's context, so it follows the application wherever the current span does:
into tasks, into threads that copy the context, and to spans that other instrumentations start.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from opentelemetry import context as otel

from driftline import semconv
from driftline.fields import label
from driftline.handle import Handle, RequestInfo

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from driftline.spans import Entry

_log = logging.getLogger("driftline")
_KEY = otel.create_key("driftline-scope")


class Request:
    """The outermost observed span under way."""

    __slots__ = ("entry", "info", "span")

    def __init__(self, span: Span, entry: Entry | None, info: RequestInfo) -> None:
        self.span = span
        self.entry = entry
        self.info = info

    def known(self) -> RequestInfo:
        """The request with the answer's model and id as far as they are known by now."""
        if self.entry is None:
            return self.info
        return replace(self.info, model=self.entry.answer_model, response_id=self.entry.answer_id)


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything that spans started here inherit."""

    feature: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    session: str | None = None
    user: str | None = None
    request: Request | None = None
    entry: Entry | None = None

    def nearer(self, feature: str | None, prompt_name: str | None, prompt_version: str | None) -> Scope:
        """The scope inside a function with these; a prompt's version never outlives its name."""
        if prompt_name is None:
            prompt_name, prompt_version = self.prompt_name, prompt_version or self.prompt_version
        return replace(self, feature=feature or self.feature, prompt_name=prompt_name, prompt_version=prompt_version)

    def attributes(self) -> tuple[tuple[str, str | None], ...]:
        """What spans inherit, by attribute name."""
        return (
            (semconv.FEATURE, self.feature),
            (semconv.PROMPT_NAME, self.prompt_name),
            (semconv.PROMPT_VERSION, self.prompt_version),
            (semconv.CONVERSATION_ID, self.session),
            (semconv.USER_ID, self.user),
        )


EMPTY = Scope()


def scope_in(context: Context | None = None) -> Scope | None:
    """The scope in a context, the current one by default."""
    scope = otel.get_value(_KEY, context)
    return scope if isinstance(scope, Scope) else None


def with_scope(scope: Scope, context: Context | None = None) -> Context:
    """A copy of the context with another scope."""
    return otel.set_value(_KEY, scope, context)


def current() -> Handle | None:
    """The request under way, for ``feedback()``; None outside of any observed function.

    Keep the handle, or its token ``str(handle)``, and use it whenever the user judges the answer.
    """
    scope = scope_in()
    return None if scope is None or scope.request is None else Handle(scope.request.known)


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
        if request is None or not request.span.is_recording():
            _log.debug("driftline: fallback(%r) outside of a request has no effect", reason)
            return
        request.span.set_attribute(semconv.FALLBACK_REASON, label(reason) or "unknown")
        second = label(model)
        if second is not None:
            request.span.set_attribute(semconv.FALLBACK_MODEL, second)
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.debug("driftline: fallback() failed", exc_info=True)


class session:  # noqa: N801 - reads as a function, like contextlib's own
    """Attach a session, and perhaps its user, to all spans started within.

    Works as ``with session(id):`` in sync and async code, and as ``async with``. An inner session
    replaces the outer one. Never raises.

    Args:
        id: identifies the conversation or visit; spans carry it as ``gen_ai.conversation.id``.
        user: identifies the user; spans carry it as ``user.id``. An outer session's user stays if not given.
    """

    def __init__(self, id: str, *, user: str | None = None) -> None:  # noqa: A002 - the public name
        self._id = id
        self._user = user
        self._tokens: list[Token[Context] | None] = []

    def __enter__(self) -> Self:
        token = None
        try:
            outer = scope_in() or EMPTY
            user = label(self._user) or outer.user
            token = otel.attach(with_scope(replace(outer, session=label(self._id), user=user)))
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: session() failed", exc_info=True)
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
