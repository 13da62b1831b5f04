"""Global state lives here: the one collector of this process, and how it comes to be.

Everything heavy is imported when the first call is recorded, so that importing Driftline, or having
it disabled, costs nothing.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING

from driftline import endings
from driftline import settings as settings_table
from driftline.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import TracerProvider

    from driftline.assembly import Collector
    from driftline.bus.protocol import Bus
    from driftline.counts import Stats
    from driftline.libraries import Library
    from driftline.recording import Recorder

_log = logging.getLogger("driftline")

_RETRY_AFTER = 60.0
_STOP_TIMEOUT = 5.0


class _State:
    """What has been decided so far."""

    def __init__(self) -> None:
        self.collector: Collector | None = None
        self.settings: settings_table.Settings | None = None
        self.stopping: Collector | None = None
        self.decided = False
        self.retry_at = 0.0
        self.lock = threading.RLock()
        self.busy = False
        self.instruments = False


_state = _State()


def init(
    *,
    bus: str | Bus | None = None,
    service_name: str | None = None,
    environment: str | None = None,
    release: str | None = None,
    enabled: bool | None = None,
    capture_content: bool | None = None,
    max_content_chars: int | None = None,
    max_message_bytes: int | None = None,
    redact: bool | Callable[[str], str] | None = None,
    redact_patterns: str | None = None,
    propagate_labels: bool | None = None,
    queue_mb: int | None = None,
    spool_mb: int | None = None,
    data_dir: str | None = None,
    instrument: str | list[str] | tuple[str, ...] | set[str] | None = None,
    follow_threads: bool | None = None,
    handle_sigterm: bool | None = None,
    guard: str | None = None,
    tracer_provider: TracerProvider | None = None,
) -> None:
    """Configure recording now instead of at the first observed call.

    Optional: without it the environment and ``driftline.toml`` decide. What is not given here comes
    from there too. Called again, it replaces the configuration, after sending what was recorded.
    Joins the application's OpenTelemetry tracer provider; if there is none, it creates one and makes
    it the global one. Starts one daemon thread, with the first span. Does not connect to the bus: that
    happens on the thread, again and again until it succeeds.

    Args:
        bus: URL of the bus, such as ``sqlite:///bus.db`` or ``kafka://host:9092``, or a bus object.
        service_name: name of this service.
        environment: its deployment environment, such as ``"production"``.
        release: its version.
        enabled: whether anything is recorded at all.
        capture_content: whether prompts and answers are recorded.
        max_content_chars: most characters kept of one prompt or answer.
        max_message_bytes: largest message put on the bus, in bytes.
        redact: whether secrets and personal data are taken out of texts, or a function of your own that takes out
            more: it is called on the export thread with every text after that, and gives back what may leave.
        redact_patterns: names of what is looked for, with commas between; all by default.
        propagate_labels: whether feature, session, user, experiment and tags go along to other services.
        queue_mb: most memory for records that wait to be sent, in MB.
        spool_mb: most space on disk for messages while the bus is away, in MB.
        data_dir: folder of the embedded bus and of the spool.
        instrument: libraries whose calls are recorded without a decorator, such as ``["openai", "anthropic"]``, or
            ``"all"``, by the OpenTelemetry, OpenLLMetry or OpenInference instrumentation that is installed. Each is
            switched on when its library is imported, unless one is on already; ``shutdown``, or an ``init`` that
            does not name the library, switches off those that Driftline had switched on.
        follow_threads: whether threads that a request starts belong to it.
        handle_sigterm: whether what was recorded is sent when SIGTERM ends the process.
        guard: the file or address where ``guard()`` learns what is contained.
        tracer_provider: the provider to join instead of the global one.

    Raises:
        SettingsError: a setting is wrong, or the settings file is, or nothing is installed that instruments a library.
    """
    loaded = settings_table.load(
        bus=bus if isinstance(bus, str) else None,
        service_name=service_name,
        environment=environment,
        release=release,
        enabled=enabled,
        capture_content=capture_content,
        max_content_chars=max_content_chars,
        max_message_bytes=max_message_bytes,
        redact=redact if isinstance(redact, bool) else None,
        redact_patterns=redact_patterns,
        propagate_labels=propagate_labels,
        queue_mb=queue_mb,
        spool_mb=spool_mb,
        data_dir=data_dir,
        instrument=",".join(map(str, instrument)) if isinstance(instrument, list | tuple | set) else instrument,
        follow_threads=follow_threads,
        handle_sigterm=handle_sigterm,
        guard=guard,
    )
    if not (redact is None or callable(redact) or isinstance(redact, bool)):
        raise SettingsError(
            f"setting 'redact' expects true, false or a function of a text but the argument is {type(redact).__name__}"
        )
    libraries = _libraries(loaded)
    with _state.lock:
        _stop(_STOP_TIMEOUT)
        _build(
            loaded,
            bus=None if isinstance(bus, str) else bus,
            provider=tracer_provider,
            hook=None if isinstance(redact, bool) else redact,
        )
    _instrument(libraries, capture_content=loaded.capture_content)


def settings_in_use() -> settings_table.Settings:
    """What ``init`` was given or found, else what environment and file say now.

    Raises:
        SettingsError: they are wrong.
    """
    return _state.settings or settings_table.load()


def recorder() -> Recorder | None:
    """What records observed calls; None when nothing is to be recorded. Configures on first use."""
    collector = collector_in_use()
    return None if collector is None else collector.recorder


def collector_in_use() -> Collector | None:
    """The collector of this process, configured from environment and file if nobody called ``init``."""
    if not _state.decided and time.monotonic() >= _state.retry_at:
        _configure()
    return _state.collector


def propagates_labels() -> bool:
    """Whether labels go to other services too."""
    collector = collector_in_use()
    return collector is not None and collector.tracker.propagates_labels


def flush(timeout: float = 5.0) -> bool:
    """Wait until everything recorded so far is on the bus.

    Args:
        timeout: in seconds.

    Returns:
        Whether that was so in time; records that had to be dropped are not waited for.
    """
    collector = _state.collector
    return True if collector is None else collector.pipeline.flush(timeout)


def shutdown(timeout: float = 5.0) -> None:
    """Send what was recorded and stop recording until ``init`` is called again.

    Args:
        timeout: in seconds; what is not on the bus by then stays on disk, for the next process.
    """
    with _state.lock:
        _stop(timeout)
        _state.decided = True
    _instrument(())
    _follow_threads(wanted=False)


def await_libraries() -> None:
    """Have libraries instrumented as environment and file say, before anything is recorded. Never raises.

    For a process that ``driftline run`` has started; what its first call belongs to is found out then.
    """
    try:
        loaded = settings_table.load()
    except SettingsError as error:
        _give_up(error)
        return
    if loaded.enabled:
        endings.prepare(_stop, _after_fork, handle_sigterm=loaded.handle_sigterm)
        _instrument_once(loaded)


def stats() -> Stats:
    """Count the spans and feedback events of this process since recording was configured."""
    from driftline.counts import Stats  # noqa: PLC0415 - see the module's docstring

    collector = _state.collector
    return Stats() if collector is None else collector.pipeline.stats()


def _configure() -> None:
    """Configure from environment and file; the application must not notice if that fails."""
    with _state.lock:
        if _state.decided or _state.busy or time.monotonic() < _state.retry_at:
            return  # another thread did it meanwhile, or this one is in the middle of it
        _state.busy = True
        try:
            loaded = settings_table.load()
            _build(loaded)
        except SettingsError as error:
            _give_up(error)
            return
        except Exception as error:  # noqa: BLE001 - telemetry never raises into the application
            _state.retry_at = time.monotonic() + _RETRY_AFTER
            _log.warning("driftline: nothing is recorded for now: %s: %s", type(error).__name__, error)
            return
        finally:
            _state.busy = False
    _instrument_once(loaded)  # without the lock: another thread may be importing a library and record a call


def _give_up(error: SettingsError) -> None:
    _state.decided = True
    _log.warning("driftline: nothing is recorded: %s", error)


def _build(
    loaded: settings_table.Settings,
    *,
    bus: Bus | None = None,
    provider: TracerProvider | None = None,
    hook: Callable[[str], str] | None = None,
) -> None:
    if loaded.enabled:
        from driftline.assembly import assemble  # noqa: PLC0415 - see the module's docstring

        _state.collector = assemble(loaded, bus, provider, hook)
        endings.prepare(_stop, _after_fork, handle_sigterm=loaded.handle_sigterm)
    _follow_threads(wanted=loaded.enabled and loaded.follow_threads)
    _state.settings = loaded
    _state.decided = True


def _follow_threads(*, wanted: bool) -> None:
    if wanted or "driftline.threads" in sys.modules:
        from driftline import threads  # noqa: PLC0415 - see the module's docstring

        threads.follow(wanted)


def _libraries(loaded: settings_table.Settings) -> tuple[Library, ...]:
    """The libraries to instrument.

    Raises:
        SettingsError: one is unknown, or nothing is installed that instruments it.
    """
    if not (loaded.enabled and loaded.instrument):
        return ()
    from driftline.instrument import demanded  # noqa: PLC0415 - see the module's docstring

    return demanded(loaded.instrument)


def _instrument(libraries: tuple[Library, ...], *, capture_content: bool = False) -> None:
    _state.instruments = True
    if libraries or "driftline.instrument" in sys.modules:
        from driftline import instrument  # noqa: PLC0415 - see the module's docstring

        instrument.apply(libraries, capture_content=capture_content)


def _instrument_once(loaded: settings_table.Settings) -> None:
    """Instrument what environment and file say, unless that was done already."""
    if _state.instruments:
        return
    _state.instruments = True
    try:
        _instrument(_libraries(loaded), capture_content=loaded.capture_content)
    except Exception as error:  # noqa: BLE001 - telemetry never raises into the application
        _log.warning("driftline: calls are not recorded by themselves: %s", error)


def _stop(timeout: float) -> None:
    collector = _state.collector or _state.stopping
    _state.collector, _state.stopping = None, collector
    if collector is not None:  # perhaps one that another thread is stopping, for longer than SIGTERM allows
        collector.close(timeout)
        _state.stopping = None


def _after_fork() -> None:
    _state.lock = threading.RLock()
    _state.busy = False
    _state.stopping = None
    if _state.collector is not None:
        _state.collector.after_fork()
