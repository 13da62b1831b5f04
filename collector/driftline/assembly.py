"""Puts the collector together from its settings."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from driftline import semconv
from driftline.bus import open_bus
from driftline.exporter import SCOPE, Outbox
from driftline.pipeline import Pipeline
from driftline.recording import Recorder
from driftline.spans import Tracker

if TYPE_CHECKING:
    from driftline.bus.protocol import Bus
    from driftline.settings import Settings

_tracker = Tracker()
"""One for the process: a processor cannot leave a provider again, so reconfiguring only redirects it."""

_joined: weakref.WeakSet[Any] = weakref.WeakSet()


@dataclass(frozen=True, slots=True)
class Collector:
    """All parts of a running collector."""

    recorder: Recorder
    pipeline: Pipeline

    def close(self, timeout: float) -> None:
        """Send what is left, then stop."""
        self.recorder.tracker.deliver = None
        self.pipeline.close(timeout)

    def after_fork(self) -> None:
        """Begin anew in a child process."""
        self.recorder.tracker.after_fork()
        self.pipeline.after_fork()


def assemble(settings: Settings, bus: Bus | None, provider: trace.TracerProvider | None) -> Collector:
    """Build a collector and let spans flow into it.

    Raises:
        SettingsError: the bus URL cannot be understood.
    """
    if bus is None:
        bus = open_bus(settings.bus_url, max_message_bytes=settings.max_message_bytes)
    configured = _configured_resource(settings)
    joined = _join(provider or trace.get_tracer_provider(), configured)
    outbox = Outbox(bus, max_message_bytes=settings.max_message_bytes, resource=configured)
    pipeline = Pipeline(outbox)
    resource = {**getattr(joined, "resource", Resource.get_empty()).attributes, **configured}
    recorder = Recorder(
        tracer=joined.get_tracer(SCOPE, _version()),
        tracker=_tracker,
        capture_content=settings.capture_content,
        max_content_chars=settings.max_content_chars,
        service=_text(resource.get(semconv.SERVICE_NAME)),
        environment=_text(resource.get(semconv.ENVIRONMENT)),
    )
    _tracker.deliver = pipeline.put
    return Collector(recorder, pipeline)


def _join(provider: trace.TracerProvider, configured: dict[str, str]) -> trace.TracerProvider:
    """Add our processor to the provider, or to one of our own if it takes none."""
    add = getattr(provider, "add_span_processor", None)
    if add is None:
        nobodys = isinstance(provider, trace.ProxyTracerProvider)
        # Ends with the process by our own hook, which has a time limit; the SDK's own has none.
        provider = TracerProvider(resource=Resource.create({**configured}), shutdown_on_exit=False)
        if nobodys:
            # Other instrumentations find it there, and their spans come to us too.
            trace.set_tracer_provider(provider)
        add = provider.add_span_processor
    if provider not in _joined:
        add(_tracker)
        _joined.add(provider)
    return provider


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
