"""alerts.yaml: reading it, and saying in which line a mistake is."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import ValidationError

from driftline.errors import SettingsError
from driftline_alerts.rule import Rule, build
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from driftline.settings import Settings

FILE_NAME: Final = "alerts.yaml"
DEFAULT_FILE: Final = "default_rules.yaml"


def load_rules(settings: Settings) -> tuple[Rule, ...]:
    """The rules in force: of the setting's file, else of ``alerts.yaml`` here, else those shipped.

    Raises:
        SettingsError: the file cannot be read or is wrong; names file and line.
    """
    named = str(settings.alerts_file)
    path = Path(named or FILE_NAME).expanduser()
    try:
        return parse_rules(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        if not named:
            return default_rules()
        raise SettingsError(
            f"the file of alert rules {path} does not exist; create it or correct the setting 'alerts_file'"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"the file of alert rules {path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(
            f"the file of alert rules {path} cannot be read: {error.strerror}; correct the setting 'alerts_file'"
        ) from None


def default_text() -> str:
    """The shipped file, to start one's own from."""
    return (resources.files("driftline_alerts") / DEFAULT_FILE).read_text(encoding="utf-8")


def default_rules() -> tuple[Rule, ...]:
    """The shipped rules."""
    return parse_rules(default_text(), DEFAULT_FILE)


def parse_rules(text: str, source: str) -> tuple[Rule, ...]:
    """Read the text of an alerts.yaml.

    Args:
        text: YAML with one key, ``rules``, a list.
        source: the file's name, for messages.

    Raises:
        SettingsError: the first mistake, as ``alerts.yaml line 7: rule 'slow': …``.
    """
    root = _compose(text, source)
    rules: dict[str, Rule] = {}
    for node in _rule_nodes(root, source):
        rule = _rule(node, source)
        if rule.name in rules:
            where = _line(_value(node, "name") or node)
            raise SettingsError(f"{source} line {where}: two rules are named {rule.name!r}; rename one")
        rules[rule.name] = rule
    return tuple(rules.values())


def _compose(text: str, source: str) -> yaml.Node:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{source} line {mark.line + 1}" if mark else source
        raise SettingsError(f"{at} is not valid YAML: {error.problem or error.context}; correct it there") from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise SettingsError(f"{source} is not valid YAML: {reason}; correct it") from None
    if root is None:
        raise SettingsError(f"{source} is empty; write 'rules: []' to have no alert rules")
    return root


def _rule_nodes(root: yaml.Node, source: str) -> list[yaml.MappingNode]:
    rules = _value(root, "rules") if isinstance(root, yaml.MappingNode) else None
    if not isinstance(rules, yaml.SequenceNode):
        raise SettingsError(f"{source} line {_line(root)}: expected 'rules:' with a list of rules under it")
    for key, _ in root.value:
        if key.value != "rules":
            raise SettingsError(f"{source} line {_line(key)}: {key.value!r} is unknown; only 'rules' stands here")
    for node in rules.value:
        if not isinstance(node, yaml.MappingNode):
            raise SettingsError(f"{source} line {_line(node)}: a rule must be a list of 'key: value' pairs")
    return list(rules.value)


def _rule(node: yaml.MappingNode, source: str) -> Rule:
    named = _value(node, "name")
    who = f"rule {named.value!r}" if isinstance(named, yaml.ScalarNode) else "a rule without a name"
    try:
        raw = _construct(node)
        return build(raw)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else _line(node)
        raise SettingsError(f"{source} line {line}: {who}: {error.problem}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        at = (_key(node, key) if key else _limit_key(node)) or node
        raise SettingsError(f"{source} line {_line(at)}: {who}: {_reason(first, key)}") from None
    except ValueError as error:  # such as a date that does not exist
        raise SettingsError(f"{source} line {_line(node)}: {who}: {error}") from None


def _construct(node: yaml.MappingNode) -> dict[str, Any]:
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


def _reason(error: Any, key: str) -> str:
    kind, given = error["type"], error["input"]
    if kind == "missing":
        return f"{key!r} is missing"
    if kind == "extra_forbidden":
        return f"{key!r} is unknown; {closest(key, tuple(Rule.model_fields))}"
    if kind == "value_error":
        reason = str(error["ctx"]["error"])
        return reason if not key or reason.startswith(("metric", "dimension")) else f"{key!r} {reason}"
    return f"{key!r} is {given!r}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _value(node: yaml.Node, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _key(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((name for name, _ in node.value if name.value == key), None)


def _limit_key(node: yaml.MappingNode) -> yaml.Node | None:
    return _key(node, "above") or _key(node, "below")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
