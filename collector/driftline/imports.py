"""Something done when a module has been imported, so that nothing has to import it early.

A finder stands before all others. For a module that somebody waits for it takes what they find, and puts itself
between the module and its loader for the moment of loading.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Action = Callable[[], None]

_log = logging.getLogger("driftline")

_waiting: Final[dict[str, Action]] = {}


def when_imported(name: str, action: Action) -> None:
    """Do something once a module has been imported: now, if it has been.

    What it raises is logged. A module has one action; a later one takes the place of one that still waits.

    Args:
        name: of the module.
        action: called on the thread that imports it, before whoever imported it goes on.
    """
    if name in sys.modules:
        _do(action)
        return
    _waiting[name] = action
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def forget(name: str) -> None:
    """Do not wait for a module any longer."""
    _waiting.pop(name, None)


def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
    """What the import system asks a finder."""
    spec: ModuleSpec | None = _finder.find_spec(name, path, target)
    return spec


def _do(action: Action) -> None:
    try:
        action()
    except Exception:  # noqa: BLE001 - whatever goes wrong is not the importing application's
        _log.debug("driftline: what should follow an import failed", exc_info=True)


class _Finder:
    def __init__(self) -> None:
        self._asking: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        # Finders like this one ask all others, and so this one again.
        if name not in _waiting or name in self._asking:
            return None
        self._asking.add(name)
        try:
            spec = self._ask_others(name, path, target)
        finally:
            self._asking.discard(name)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            loader: Any = _Loader(spec.loader)
            spec.loader = loader
        return spec

    def _ask_others(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in tuple(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is not self and find is not None:
                spec: ModuleSpec | None = find(name, path, target)
                if spec is not None:
                    return spec
        return None


class _Loader:
    """Stands in for a loader until it loads."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        # From here on all is as it would be without us, for whoever looks for resources or source.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        action = _waiting.pop(module.__name__, None)
        if action is not None:
            _do(action)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


_finder: Final[Any] = _Finder()
