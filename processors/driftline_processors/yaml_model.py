"""One mapping of a YAML file to a pydantic model, so that a mistake is told with its place and what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from driftline.errors import SettingsError
from driftline_processors import yaml_file
from driftline_processors.yaml_file import Mistake
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

M = TypeVar("M", bound=BaseModel)


class KeyedError(ValueError):
    """What a validator of a whole model says about one of its keys: the rest of a sentence that begins with it."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def build(
    model: type[M], node: yaml.MappingNode, source: str, who: str, defaults: Mapping[str, Any] | None = None
) -> M:
    """The model of a mapping.

    Args:
        model: forbids what it does not know; its validators raise ``ValueError`` with the rest of a sentence that
            begins with the key, such as ``must be a share, not 'x'``.
        node: of the file's tree.
        source: the file's name, for messages.
        who: whom the mapping is about, for messages, such as ``evaluator 'quality'``.
        defaults: values of keys that the mapping leaves out.

    Raises:
        SettingsError: the first mistake, as ``evaluators.yaml line 7, column 12: evaluator 'quality': …``.
    """
    built, mistakes = check(model, node, who, defaults)
    if built is None:
        raise SettingsError(f"{source} {mistakes[0]}")
    return built


def check(
    model: type[M], node: yaml.MappingNode, who: str, defaults: Mapping[str, Any] | None = None
) -> tuple[M | None, list[Mistake]]:
    """The model of a mapping, or None and all of its mistakes; the arguments are those of ``build``."""
    try:
        return model.model_validate({**(defaults or {}), **yaml_file.construct(node)}), []
    except yaml.MarkedYAMLError as error:
        return None, [Mistake.at(error.problem_mark or node, f"{who}: {error.problem}")]
    except ValidationError as error:
        errors: list[Any] = error.errors(include_url=False)
        return None, [Mistake.at(_node(node, one), f"{who}: {_reason(model, one)}") for one in errors]
    except ValueError as error:  # such as a date that does not exist
        return None, [Mistake.at(node, f"{who}: {error}")]


def _node(node: yaml.MappingNode, error: Any) -> yaml.Node:
    """Where to look: at the key that nobody knows, else at the value that is wrong."""
    path = _path(error)
    parent = yaml_file.find(node, path[:-1])
    if error["type"] == "extra_forbidden" and isinstance(parent, yaml.MappingNode):
        return yaml_file.key_node(parent, str(path[-1])) or parent
    return yaml_file.find(node, path)


def _path(error: Any) -> list[str | int]:
    """Keys and list positions down to what is wrong."""
    path = [step for step in error["loc"] if step != "[key]"]
    cause = error.get("ctx", {}).get("error")
    return [*path, cause.key] if isinstance(cause, KeyedError) else path


def _reason(model: type[BaseModel], error: Any) -> str:
    kind, given, path = error["type"], error["input"], _path(error)
    key = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    if kind == "missing":
        return f"{key!r} is missing"
    if kind == "extra_forbidden":
        return f"{key!r} is unknown; {closest(key, tuple(_known(model, path)))}"
    if kind == "value_error":
        reason = str(error["ctx"]["error"])
        return f"{key!r} {reason}" if key else reason
    shown = repr(given) if len(repr(given)) <= 80 else f"{repr(given)[:77]}..."
    return f"{key!r} is {shown}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _known(model: type[BaseModel], path: Sequence[str | int]) -> Iterator[str]:
    """Keys that may stand where the path ends."""
    for step in path[:-1]:
        field = next((field for name, field in model.model_fields.items() if step in {name, field.alias}), None)
        inner = next(_models(field.annotation), None) if field else None
        model = inner or model
    for name, field in model.model_fields.items():
        yield field.alias or name


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
