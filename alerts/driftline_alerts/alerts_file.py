"""alerts.yaml: what is watched and who is told. Read so that all mistakes are told at once, each with its place."""

from __future__ import annotations

import functools
import operator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import yaml
from pydantic import Field, PlainValidator

from driftline.errors import SettingsError
from driftline_alerts.channels import CONFIGS
from driftline_alerts.channels.config import ChannelConfig
from driftline_alerts.containment import DRIFT_RULES, Containment
from driftline_alerts.drift.tuning import DriftRule, Tuning
from driftline_alerts.review_rule import ReviewRule
from driftline_alerts.routes import Route  # noqa: TC001  pydantic reads it
from driftline_alerts.rule import Rule
from driftline_alerts.rule_fields import Name  # noqa: TC001  pydantic reads it
from driftline_processors import yaml_file, yaml_model
from driftline_processors.judge.fields import Strict, Texts
from driftline_processors.yaml_file import Mistake
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from driftline.settings import Settings

FILE_NAME: Final = "alerts.yaml"
DEFAULT_FILE: Final = "default_rules.yaml"

R = TypeVar("R", Rule, ReviewRule)

_ABOUT_RULES: Final = frozenset({"defaults", "without", "rules"})
"""Keys of the file that decide which rules are in force."""

_SETTING: Final = "slack"
"""Name of the channel that the setting ``slack_webhook_url`` makes, where the file has none."""

_CHANNEL_FORM: Final[Any] = Annotated[functools.reduce(operator.or_, CONFIGS.values()), Field(discriminator="kind")]

Channel = Annotated[ChannelConfig, PlainValidator(lambda one: one, json_schema_input_type=_CHANNEL_FORM)]
"""One of ``CONFIGS``, by its kind."""


class AlertsFile(Strict):
    """All of a file."""

    defaults: bool = Field(
        default=True,
        strict=True,
        description="Whether the rules that come with Driftline hold too. A rule with the name of one replaces it.",
    )
    without: Texts = Field(default=(), description="Names of rules that come with Driftline and do not hold.")
    rules: tuple[Rule, ...] = Field(default=(), description="What must hold.")
    drift: tuple[DriftRule, ...] = Field(
        default=(), description="What drift detection does differently with some streams; the first that matches."
    )
    review: tuple[ReviewRule, ...] = Field(
        default=(), description="What people should look at, without being called for it."
    )
    channels: dict[Name, Channel] = Field(default_factory=dict, description="Who can be told, by a name.")
    routes: tuple[Route, ...] = Field(
        default=(), description="Who is told of what; the first that matches. Without a match all channels are."
    )
    containment: Containment | None = Field(default=None, description="Which alerts contain a feature.")


def load_file(settings: Settings) -> AlertsFile:
    """What is in force: of the setting's file, else of ``alerts.yaml`` here; without one, the shipped rules.

    Raises:
        SettingsError: the file cannot be read or is wrong; names file, line and column of each mistake.
    """
    return _load(settings, AlertsFile.model_fields)


def load_rules(settings: Settings) -> tuple[Rule, ...]:
    """The rules of ``load_file``, for who only shows them: channels are not read, and so need no secrets here.

    Raises:
        SettingsError: the file cannot be read, or a rule is wrong.
    """
    return _load(settings, _ABOUT_RULES).rules


def load_tuning(settings: Settings) -> Tuning:
    """What ``load_file`` has drift detection do differently; likewise without channels.

    Raises:
        SettingsError: the file cannot be read, or an entry is wrong.
    """
    return Tuning(_load(settings, {"drift"}).drift)


def file_path(settings: Settings) -> Path:
    """Where the file is, or would be."""
    return Path(str(settings.alerts_file) or FILE_NAME).expanduser()


def _load(settings: Settings, keys: Container[str]) -> AlertsFile:
    path = file_path(settings)
    if not settings.alerts_file and not path.exists():
        return AlertsFile(rules=default_rules())
    return _parse(yaml_file.read_text(path, "alert rules", "alerts_file"), str(path), default_rules(), keys)


def default_text() -> str:
    """The shipped file, to start one's own from."""
    return (resources.files("driftline_alerts") / DEFAULT_FILE).read_text(encoding="utf-8")


@functools.cache
def default_rules() -> tuple[Rule, ...]:
    """The shipped rules."""
    return _parse(default_text(), DEFAULT_FILE, shipped=()).rules


def parse_file(text: str, source: str) -> AlertsFile:
    """Read the text of an alerts.yaml.

    Args:
        text: YAML; without anything in it, the shipped rules hold.
        source: the file's name, for messages.

    Returns:
        What is in force: ``rules`` holds the shipped ones too.

    Raises:
        SettingsError: all mistakes, each in a line such as ``alerts.yaml line 7, column 5: rule 'slow': …``.
    """
    return _parse(text, source, default_rules())


def _parse(
    text: str, source: str, shipped: tuple[Rule, ...], keys: Container[str] = AlertsFile.model_fields
) -> AlertsFile:
    root = yaml_file.tree(text, source)
    if root is None:
        return AlertsFile(rules=shipped)
    if not isinstance(root, yaml.MappingNode):
        expected = f"expected keys such as 'rules:'; known are {', '.join(AlertsFile.model_fields)}"
        raise SettingsError(f"{source} {Mistake.at(root, expected)}")
    unread = [name for name in AlertsFile.model_fields if name not in keys]
    root.value[:] = [(key, node) for key, node in root.value if key.value not in unread]
    mistakes: list[Mistake] = []
    rules = _listed(root, "rules", Rule, "rule", mistakes)
    review = _listed(root, "review", ReviewRule, "review rule", mistakes)
    channels = _channels(root, mistakes)
    # What stands beside these is checked with them taken out, since each of them has been.
    whole, others = yaml_model.check(AlertsFile, root, "the file")
    mistakes += others
    in_force: tuple[Rule, ...] = ()
    if whole is not None:
        left_out = {*whole.without, *(rule.name for rule in rules)}
        in_force = (*(rule for rule in shipped if whole.defaults and rule.name not in left_out), *rules)
        mistakes += _unknown_names(root, whole, shipped, in_force, [*channels] or [_SETTING])
    yaml_file.raise_all(mistakes, source)
    assert whole is not None  # noqa: S101  else there were mistakes
    return whole.model_copy(update={"rules": in_force, "review": tuple(review), "channels": channels})


def _listed(root: yaml.MappingNode, key: str, model: type[R], what: str, mistakes: list[Mistake]) -> list[R]:
    """The rules of a list, whose nodes are taken out of the tree."""
    listed = yaml_file.value(root, key)
    if not isinstance(listed, yaml.SequenceNode):
        return []
    found: dict[str, R] = {}
    for node in listed.value:
        one, wrong = _one(node, model, what)
        mistakes += wrong
        if one is None:
            continue
        if one.name in found:
            at = yaml_file.value(node, "name") or node
            mistakes.append(Mistake.at(at, f"two {what}s are named {one.name!r}; rename one"))
        found[one.name] = one
    listed.value.clear()
    return list(found.values())


def _one(node: yaml.Node, model: type[R], what: str) -> tuple[R | None, list[Mistake]]:
    if not isinstance(node, yaml.MappingNode):
        return None, [Mistake.at(node, f"a {what} must be 'key: value' pairs")]
    named = yaml_file.value(node, "name")
    who = f"{what} {named.value!r}" if isinstance(named, yaml.ScalarNode) else f"a {what} without a name"
    return yaml_model.check(model, node, who)


def _channels(root: yaml.MappingNode, mistakes: list[Mistake]) -> dict[str, ChannelConfig]:
    """The channels by name, whose nodes are taken out of the tree where they are understood as such."""
    named = yaml_file.value(root, "channels")
    if not isinstance(named, yaml.MappingNode):
        return {}
    found: dict[str, ChannelConfig] = {}
    left = []
    for key, node in named.value:
        who = f"channel {key.value!r}"
        if not isinstance(key, yaml.ScalarNode) or key.value in found:
            left.append((key, node))  # for the file's own check to tell
        elif not isinstance(node, yaml.MappingNode):
            mistakes.append(Mistake.at(node, f"{who}: must be 'key: value' pairs"))
        else:
            kind = getattr(yaml_file.value(node, "kind"), "value", "")
            if config := CONFIGS.get(str(kind)):
                one, wrong = yaml_model.check(config, node, who)
                mistakes += wrong
                found |= {key.value: one} if one else {}
            else:
                at = yaml_file.value(node, "kind") or node
                mistakes.append(Mistake.at(at, f"{who}: 'kind' must be one of {', '.join(CONFIGS)}, not {kind!r}"))
    named.value[:] = left
    return found


def _unknown_names(
    root: yaml.MappingNode,
    file: AlertsFile,
    shipped: Sequence[Rule],
    in_force: Sequence[Rule],
    channels: Sequence[str],
) -> list[Mistake]:
    """Names of rules and channels that the file refers to and that do not exist."""

    def unknown(path: Sequence[str | int], names: Sequence[str], known: Sequence[str], what: str) -> list[Mistake]:
        return [
            Mistake.at(yaml_file.find(root, [*path, number]), f"{name!r} is no {what}; {closest(name, tuple(known))}")
            for number, name in enumerate(names)
            if name not in known
        ]

    found = unknown(["without"], file.without, [rule.name for rule in shipped], "rule that comes with Driftline")
    if file.containment:
        known = [*(rule.name for rule in in_force), DRIFT_RULES]
        found += unknown(["containment", "rules"], file.containment.rules, known, "rule that is in force")
    for number, route in enumerate(file.routes):
        found += unknown(["routes", number, "channels"], route.channels, channels, "channel of this file")
        if route.escalate:
            told = route.escalate.channels
            found += unknown(["routes", number, "escalate", "channels"], told, channels, "channel of this file")
    return found
