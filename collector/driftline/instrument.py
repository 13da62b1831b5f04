"""Switches other people's instrumentations on and off: one for each library, whichever is installed.

Each is switched on when the application imports its library, as it would import the library itself.
"""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any, Final

from driftline import imports
from driftline.errors import SettingsError
from driftline.libraries import GROUP, TABLE, muted, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.metadata import EntryPoint

    from driftline.libraries import Library

_log = logging.getLogger("driftline")

_CONTENT: Final = {
    True: {
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
        # Thousands of numbers a span, which nobody reads.
        "OPENINFERENCE_HIDE_EMBEDDINGS_VECTORS": "true",
    },
    False: {
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "NO_CONTENT",
        "TRACELOOP_TRACE_CONTENT": "false",
        "OPENINFERENCE_HIDE_INPUTS": "true",
        "OPENINFERENCE_HIDE_OUTPUTS": "true",
        "OPENINFERENCE_HIDE_EMBEDDINGS_TEXT": "true",
        "OPENINFERENCE_HIDE_EMBEDDINGS_VECTORS": "true",
    },
}
"""How each family is told whether to record content, by environment variables alone."""


class _State:
    """What has been switched on by us.

    Attributes:
        wanted: libraries that are waited for, or done with, by name.
        active: instrumentations in place.
        content: whether they record content; None while nothing is wanted.
        variables: what we set in the environment.
    """

    def __init__(self) -> None:
        self.wanted: dict[str, Library] = {}
        self.active: dict[str, Any] = {}
        self.content: bool | None = None
        self.variables: dict[str, str] = {}


_state = _State()


def demanded(said: str) -> tuple[Library, ...]:
    """The libraries that a value of the setting ``instrument`` names.

    Raises:
        SettingsError: one is unknown, or is named and nothing is installed that instruments it; says what to install.
    """
    libraries = named(said)
    missing = [] if libraries is TABLE else [library for library in libraries if not any(_installed(library))]
    if missing:
        names = ", ".join(library.name for library in missing)
        install = " ".join(library.packages[0] for library in missing)
        raise SettingsError(
            f"the setting 'instrument' asks for {names}, but nothing is installed that instruments it; "
            f"install it with: pip install {install}"
        )
    return libraries


def apply(libraries: tuple[Library, ...], *, capture_content: bool) -> None:
    """Have these libraries instrumented, and no others by us. Repeating it changes nothing.

    Args:
        libraries: an instrumentation that is in place already, by somebody else, is left alone.
        capture_content: whether prompts and answers are recorded, unless the environment says so already.
    """
    wanted = {library.name: library for library in libraries}
    content = capture_content if wanted else None
    if content is not _state.content:
        for name in tuple(_state.wanted):  # some read it once, when they are switched on
            _drop(name)
        _tell({} if content is None else _CONTENT[content])
        _state.content = content
    for name in tuple(_state.wanted):
        if name not in wanted:
            _drop(name)
    for name, library in wanted.items():
        if name not in _state.wanted:
            _state.wanted[name] = library
            imports.when_imported(library.module, partial(_switch_on, library))


def active() -> tuple[str, ...]:
    """Names of the libraries that an instrumentation of ours is in place for."""
    return tuple(_state.active)


def _tell(variables: Mapping[str, str]) -> None:
    """Set what the user has not set, and take back what we had set before."""
    for name, value in _state.variables.items():
        if os.environ.get(name) == value:
            del os.environ[name]
    _state.variables = {name: value for name, value in variables.items() if not os.environ.get(name)}
    os.environ.update(_state.variables)


def _drop(name: str) -> None:
    library = _state.wanted.pop(name)
    imports.forget(library.module)
    muted.discard(library.own_scope)
    instrumentor = _state.active.pop(name, None)
    if instrumentor is not None:
        _switch_off(instrumentor)


def _switch_off(instrumentor: Any) -> None:
    try:
        instrumentor.uninstrument()
    except Exception:  # noqa: BLE001 - somebody else's code, which may fail in any way
        _log.debug("driftline: an instrumentation could not be switched off", exc_info=True)


def _switch_on(library: Library) -> None:
    """Switch on the first instrumentation of a library that works."""
    entries = tuple(_installed(library))
    if _state.wanted.get(library.name) is not library:
        return
    if any(map(_running, entries)):
        _mute(library)
        return
    reasons = []
    for entry in entries:
        try:
            instrumentor = entry.load()()
        except Exception as error:  # noqa: BLE001 - made for other versions of what it imports
            reasons.append(f"{entry.module}: {error}")
            continue
        try:
            _instrument(library, instrumentor)
        except Exception as error:  # noqa: BLE001 - as above
            reasons.append(f"{entry.module}: {error}")
            if type(error).__name__ != "DependencyConflictError":
                break  # it may be half in place, and a second one would record the same calls
        else:
            _state.active[library.name] = instrumentor
            _mute(library)
            return
    if reasons:
        _log.warning("driftline: calls of %s are not recorded by themselves: %s", library.name, "; ".join(reasons))


def _mute(library: Library) -> None:
    if library.own_scope:
        muted.add(library.own_scope)


def _instrument(library: Library, instrumentor: Any) -> None:
    from driftline.deferred import DeferredProvider  # noqa: PLC0415 - loads OpenTelemetry

    provider = DeferredProvider(yields=lambda: _yields(library, instrumentor))
    instrumentor.instrument(tracer_provider=provider, raise_exception_on_conflict=True)
    if not instrumentor.is_instrumented_by_opentelemetry:
        raise RuntimeError("it did not switch itself on")


def _yields(library: Library, ours: Any) -> bool:
    """Whether somebody else has switched on another instrumentation meanwhile; then ours is switched off."""
    running = [_running(entry) for entry in _installed(library)]
    if all(each is None or each is ours for each in running):
        return False
    _state.active.pop(library.name, None)
    _switch_off(ours)
    return True


def _installed(library: Library) -> Iterator[EntryPoint]:
    """What is installed for a library, the preferred one first."""
    for package in library.packages:
        try:
            found = distribution(package).entry_points
        except PackageNotFoundError:
            continue
        yield from found.select(group=GROUP)


def _running(entry: EntryPoint) -> Any:
    """The instrumentation if it is in place, without importing it or making one."""
    kind = getattr(sys.modules.get(entry.module), entry.attr, None)
    instance = getattr(kind, "_instance", None)
    return instance if getattr(instance, "is_instrumented_by_opentelemetry", False) else None
