"""Puts the collector together from its settings."""

from __future__ import annotations

import hashlib
import weakref
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from driftline import semconv
from driftline.bus import open_bus
from driftline.counts import Counts
from driftline.courier import Courier
from driftline.exporter import SCOPE, Exporter
from driftline.pipeline import Pipeline
from driftline.privacy import Redactor, named
from driftline.recording import Recorder
from driftline.spans import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.bus.protocol import Bus
    from driftline.settings import Settings

_tracker = Tracker()
"""One for the process: a processor cannot leave a provider again, so reconfiguring only redirects it."""

_joined: weakref.WeakSet[Any] = weakref.WeakSet()


@dataclass(frozen=True, slots=True)
class Collector:
    """All parts of a running collector.

    Attributes:
        recorder: records observed calls; None where OpenTelemetry is disabled (``OTEL_SDK_DISABLED``).
        provider: what was joined; spans of other instrumentations reach us through it.
    """

    recorder: Recorder | None
    provider: TracerProvider
    tracker: Tracker
    pipeline: Pipeline
    max_content_chars: int

    def close(self, timeout: float) -> None:
        """Send what is left, then stop."""
        self.tracker.deliver = None
        self.pipeline.close(timeout)

    def after_fork(self) -> None:
        """Begin anew in a child process."""
        self.tracker.after_fork()
        self.pipeline.after_fork()


def assemble(
    settings: Settings,
    bus: Bus | None,
    provider: trace.TracerProvider | None,
    hook: Callable[[str], str] | None,
) -> Collector:
    """Build a collector and let spans flow into it.

    Args:
        settings: all of them.
        bus: instead of the one that the settings name.
        provider: to join, instead of the global one.
        hook: the application's own redaction.

    Raises:
        SettingsError: the bus URL cannot be understood, or there is no pattern of a name.
    """
    redactor = Redactor(named(settings.redact_patterns) if settings.redact or hook else (), hook)
    if bus is None:
        bus = open_bus(settings.bus_url, max_message_bytes=settings.max_message_bytes)
    configured = _configured_resource(settings)
    joined = _join(provider or trace.get_tracer_provider(), configured)
    resource = {**joined.resource.attributes, **configured}
    exporter = Exporter(
        max_message_bytes=settings.max_message_bytes,
        own=joined.resource.attributes,
        configured=configured,
        redact=redactor.text,
    )
    pipeline = _pipeline(settings, bus, exporter)
    tracer = joined.get_tracer(SCOPE, _version())
    recorder = None
    if isinstance(tracer, Tracer):
        recorder = Recorder(
            tracer=tracer,
            scope=InstrumentationScope(SCOPE, _version()),
            tracker=_tracker,
            capture_content=settings.capture_content,
            max_content_chars=settings.max_content_chars,
            service=_text(resource.get(semconv.SERVICE_NAME)),
            environment=_text(resource.get(semconv.ENVIRONMENT)),
            propagates_labels=settings.propagate_labels,
        )
    _tracker.propagates_labels = settings.propagate_labels
    _tracker.deliver = pipeline.put
    return Collector(recorder, joined, _tracker, pipeline, settings.max_content_chars)


def _pipeline(settings: Settings, bus: Bus, exporter: Exporter) -> Pipeline:
    counts = Counts()
    memory = settings.queue_mb * 1_000_000
    # What one bus has not taken must not come to another.
    name = hashlib.sha256(bus.url.encode()).hexdigest()[:16]
    folder = settings.data_path / "spool" / name if settings.spool_mb else None
    courier = Courier(bus, folder, limit=settings.spool_mb * 1_000_000, counts=counts, memory=memory // 4)
    return Pipeline(
        exporter,
        courier,
        counts,
        capacity=memory - memory // 4,
        folder=folder,
        limit=settings.spool_mb * 1_000_000,
        version=_version(),
    )


def _join(provider: trace.TracerProvider, configured: dict[str, str]) -> TracerProvider:
    """Add our processor to the application's provider, and find the SDK's one that our spans are made with.

    That is the same, or one inside it, as Logfire wraps the SDK's; where there is none, it is one of our own.
    """
    wrapper: Any = provider
    while not isinstance(wrapper, TracerProvider) and hasattr(wrapper, "provider"):
        wrapper = wrapper.provider
    if isinstance(wrapper, TracerProvider):
        sdk = wrapper
    else:
        # Ends with the process by our own hook, which has a time limit; the SDK's own has none.
        sdk = TracerProvider(resource=Resource.create({**configured}), shutdown_on_exit=False)
        if isinstance(provider, trace.ProxyTracerProvider):
            # Nobody's yet. Other instrumentations find it there, and their spans come to us too.
            trace.set_tracer_provider(sdk)
    if sdk not in _joined:
        sdk.add_span_processor(_tracker)
        _joined.add(sdk)
    return sdk


def _configured_resource(settings: Settings) -> dict[str, str]:
    named = {
        semconv.SERVICE_NAME: settings.service_name,
        semconv.ENVIRONMENT: settings.environment,
        semconv.SERVICE_VERSION: settings.release,
    }
    return {key: value for key, value in named.items() if value}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _version() -> str:
    try:
        return version("driftline")
    except PackageNotFoundError:  # run from a source tree
        return ""
