"""YAML files that people write: read so that a mistake is named with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import yaml

from driftline.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, order=True)
class Mistake:
    """What is wrong at a place of a file, both counted from 1."""

    line: int
    column: int
    text: str

    @classmethod
    def at(cls, node: yaml.Node | yaml.Mark, text: str) -> Self:
        """Where a node begins."""
        mark = node if isinstance(node, yaml.Mark) else node.start_mark
        return cls(mark.line + 1, mark.column + 1, text)

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.text}"


def raise_all(mistakes: Sequence[Mistake], source: str) -> None:
    """Tell all mistakes of a file, in their order, a line each.

    Raises:
        SettingsError: there is one.
    """
    if mistakes:
        raise SettingsError("\n".join(f"{source} {one}" for one in sorted(set(mistakes))))


def read_text(path: Path, what: str, setting: str) -> str:
    """Text of a file that a setting names.

    Args:
        path: of the file.
        what: is in it, for messages, such as ``alert rules``.
        setting: that names the file.

    Raises:
        SettingsError: the file is not there or cannot be read as text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(
            f"the file of {what} {path} does not exist; create it or correct the setting {setting!r}"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"the file of {what} {path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(
            f"the file of {what} {path} cannot be read: {error.strerror}; correct the setting {setting!r}"
        ) from None


def compose(text: str, source: str, if_empty: str) -> yaml.Node:
    """The file's tree, whose nodes know their places.

    Args:
        text: of the file.
        source: the file's name, for messages.
        if_empty: what to do about an empty file.

    Raises:
        SettingsError: the text is not YAML, or empty.
    """
    root = tree(text, source)
    if root is None:
        raise SettingsError(f"{source} is empty; {if_empty}")
    return root


def tree(text: str, source: str) -> yaml.Node | None:
    """As ``compose``; None where the file is empty.

    Raises:
        SettingsError: the text is not YAML.
    """
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{source} line {mark.line + 1}" if mark else source
        column = f" at column {mark.column + 1}" if mark else ""
        reason = error.problem or error.context
        raise SettingsError(f"{at} is not valid YAML: {reason}{column}; correct it there") from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise SettingsError(f"{source} is not valid YAML: {reason}; correct it") from None


def items(root: yaml.Node, key: str, source: str) -> list[yaml.MappingNode]:
    """The mappings of the list that is the only thing in the file.

    Raises:
        SettingsError: the file has another form.
    """
    listed = value(root, key)
    if not isinstance(root, yaml.MappingNode) or not isinstance(listed, yaml.SequenceNode):
        raise SettingsError(f"{source} line {line(root)}: expected '{key}:' with a list of {key} under it")
    for name, _ in root.value:
        if name.value != key:
            raise SettingsError(f"{source} line {line(name)}: {name.value!r} is unknown; only {key!r} stands here")
    for node in listed.value:
        if not isinstance(node, yaml.MappingNode):
            one = key.removesuffix("s")
            raise SettingsError(f"{source} line {line(node)}: a {one} must be a list of 'key: value' pairs")
    return list(listed.value)


def construct(node: yaml.MappingNode) -> dict[str, Any]:
    """The values of one mapping.

    Raises:
        yaml.MarkedYAMLError: a key that stands there twice or is no word, or a value that YAML refuses.
        ValueError: a value that does not exist, such as a date.
    """
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key.start_mark)
        if key.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"{key.value!r} stands there twice; remove one", key.start_mark
            )
        seen.add(key.value)
    loader = yaml.SafeLoader("")
    try:
        raw = loader.construct_document(node)
    finally:
        loader.dispose()
    return {str(key): value for key, value in raw.items()}


def value(node: yaml.Node, key: str) -> yaml.Node | None:
    """What stands behind a key; None where the key is missing or the node is no mapping."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((found for name, found in pairs if name.value == key), None)


def key_node(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    """The key itself, for its place."""
    return next((name for name, _ in node.value if name.value == key), None)


def find(node: yaml.Node, path: Sequence[str | int]) -> yaml.Node:
    """The node that a path of keys and list positions leads to, or the last one on the way that is there."""
    for step in path:
        if isinstance(step, str):
            found = value(node, step)
        else:
            found = node.value[step] if isinstance(node, yaml.SequenceNode) and step < len(node.value) else None
        if found is None:
            return node
        node = found
    return node


def line(node: yaml.Node) -> int:
    """Counted from 1."""
    return int(node.start_mark.line) + 1


def place(node: yaml.Node) -> str:
    """``line 3, column 5``, counted from 1."""
    return f"line {line(node)}, column {int(node.start_mark.column) + 1}"
