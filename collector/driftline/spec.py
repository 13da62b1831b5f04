"""What a decorator was told and knows of its function, worked out once so that calls need not."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, Final, cast

from driftline.fields import label
from driftline.labels import Labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Spec:
    """One decorated function, block of code or kind of record.

    Attributes:
        name: of its spans.
        labels: what it was told; nearer than what it inherits.
        capture_content: overrides the setting of that name; None leaves it alone.
        skips_first: the first argument is ``self`` or ``cls``, which is no input.
    """

    __slots__ = ("_inherited", "_names", "_rest", "capture_content", "labels", "name", "skips_first")

    def __init__(
        self,
        name: str,
        labels: Labels,
        *,
        capture_content: bool | None = None,
        signature: inspect.Signature | None = None,
    ) -> None:
        self.name = name
        self.labels = labels
        self.capture_content = capture_content
        parameters = [] if signature is None else list(signature.parameters.values())
        names = [each.name for each in parameters if each.kind in _POSITIONAL]
        self.skips_first = bool(names) and names[0] in {"self", "cls"}
        self._names = tuple(names[1:] if self.skips_first else names)
        self._rest = next((each.name for each in parameters if each.kind is inspect.Parameter.VAR_POSITIONAL), None)
        self._inherited: tuple[Labels, Labels] | None = None

    def labels_within(self, outer: Labels) -> Labels:
        """The labels inside the function; those of the last call are kept, as most calls come from one place."""
        last = self._inherited
        if last is not None and last[0] is outer:
            return last[1]
        labels = outer.inside(self.labels)
        self._inherited = (outer, labels)
        return labels

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Name the arguments that were passed; those that fit no parameter are kept by position.

        Args:
            args: positional arguments, without ``self`` or ``cls``.
            kwargs: named arguments.
        """
        bound: dict[str, Any] = dict(zip(self._names, args, strict=False))
        rest = list(args[len(self._names) :])
        if rest and self._rest is not None:
            bound[self._rest] = rest
        elif rest:
            bound |= {str(position): value for position, value in enumerate(rest, len(self._names))}
        return {**bound, **kwargs}


def spec_of(
    function: Callable[..., Any],
    *,
    name: str | None,
    feature: str | None,
    prompt_name: str | None,
    prompt_version: str | None,
    capture_content: bool | None,
) -> Spec:
    """Describe a function."""
    return Spec(
        label(name) or _name(function),
        Labels(feature=label(feature), prompt_name=label(prompt_name), prompt_version=label(prompt_version)),
        capture_content=capture_content,
        signature=_signature(function),
    )


def _name(function: Callable[..., Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    named = cast("Any", function)
    qualified = getattr(named, "__qualname__", None) or type(function).__qualname__
    return str(qualified).rsplit("<locals>.", 1)[-1]


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
        return None
