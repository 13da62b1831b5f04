"""A tracer provider for other people's instrumentations, which finds out where spans go when there is one.

They are switched on when their library is imported, often before the application has set up OpenTelemetry. Joining
its provider then would be too early, and making one of our own would keep it from setting its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from driftline import runtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.assembly import Collector

_NOWHERE = trace.NoOpTracer()


class DeferredProvider(trace.TracerProvider):
    """Gives tracers of whichever provider the collector has joined at the time of a span.

    Args:
        yields: asked when recording has begun, or begun anew; where it holds, spans go nowhere.
    """

    def __init__(self, yields: Callable[[], bool]) -> None:
        self._yields = yields

    def get_tracer(self, *scope: Any, **more: Any) -> trace.Tracer:
        """A tracer for an instrumentation."""
        return _DeferredTracer(self._yields, scope, more)


class _DeferredTracer(trace.Tracer):
    def __init__(self, yields: Callable[[], bool], scope: tuple[Any, ...], more: dict[str, Any]) -> None:
        self._yields = yields
        self._scope = scope
        self._more = more
        self._resolved: tuple[Collector | None, trace.Tracer] | None = None

    def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
        return self._tracer().start_span(*args, **kwargs)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        return self._tracer().start_as_current_span(*args, **kwargs)

    def _tracer(self) -> trace.Tracer:
        collector = runtime.collector_in_use()
        resolved = self._resolved
        if resolved is None or resolved[0] is not collector:
            resolved = self._resolved = (collector, self._resolve(collector))
        return resolved[1]

    def _resolve(self, collector: Collector | None) -> trace.Tracer:
        if collector is None or self._yields():
            return _NOWHERE
        return collector.provider.get_tracer(*self._scope, **self._more)
