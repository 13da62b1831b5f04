"""alerts.yaml: reading it, and saying in which line a mistake is."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import ValidationError

from driftline.errors import SettingsError
from driftline_alerts.rule import Rule, build
from driftline_processors import yaml_file
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
    if not named and not path.exists():
        return default_rules()
    return parse_rules(yaml_file.read_text(path, "alert rules", "alerts_file"), str(path))


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
    root = yaml_file.compose(text, source, if_empty="write 'rules: []' to have no alert rules")
    rules: dict[str, Rule] = {}
    for node in yaml_file.items(root, "rules", source):
        rule = _rule(node, source)
        if rule.name in rules:
            where = yaml_file.line(yaml_file.value(node, "name") or node)
            raise SettingsError(f"{source} line {where}: two rules are named {rule.name!r}; rename one")
        rules[rule.name] = rule
    return tuple(rules.values())


def _rule(node: yaml.MappingNode, source: str) -> Rule:
    named = yaml_file.value(node, "name")
    who = f"rule {named.value!r}" if isinstance(named, yaml.ScalarNode) else "a rule without a name"
    try:
        raw = yaml_file.construct(node)
        return build(raw)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else yaml_file.line(node)
        raise SettingsError(f"{source} line {line}: {who}: {error.problem}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        at = (yaml_file.key_node(node, key) if key else _limit_key(node)) or node
        raise SettingsError(f"{source} line {yaml_file.line(at)}: {who}: {_reason(first, key)}") from None
    except ValueError as error:  # such as a date that does not exist
        raise SettingsError(f"{source} line {yaml_file.line(node)}: {who}: {error}") from None


def _reason(error: Any, key: str) -> str:
    kind, given = error["type"], error["input"]
    if kind == "missing":
        return f"{key!r} is missing"
    if kind == "extra_forbidden":
        known = tuple(field.alias or name for name, field in Rule.model_fields.items())
        return f"{key!r} is unknown; {closest(key, known)}"
    if kind == "value_error":
        reason = str(error["ctx"]["error"])
        return reason if not key or reason.startswith(("metric", "dimension")) else f"{key!r} {reason}"
    return f"{key!r} is {given!r}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _limit_key(node: yaml.MappingNode) -> yaml.Node | None:
    return yaml_file.key_node(node, "above") or yaml_file.key_node(node, "below")
