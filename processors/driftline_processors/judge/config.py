"""``evaluators.yaml``: which answers are judged by whom, how often, and for how much money.

Without a file there is one judge, which the settings ``judge_…`` describe. With a file, they are what a judge
of the file that leaves something out has. Every mistake is told with its file, line and key.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import yaml
from pydantic import Field, ValidationError

from driftline.errors import SettingsError
from driftline.settings import TABLE
from driftline_processors import yaml_file, yaml_model
from driftline_processors.judge.check import CheckConfig
from driftline_processors.judge.fields import Applies, Budget, Duration, Name, Share, Strict
from driftline_processors.judge.rubric import load_rubric

if TYPE_CHECKING:
    from driftline.settings import Settings

FILE_NAME: Final = "evaluators.yaml"
KINDS: Final = ("judge", "check")

_SETTINGS: Final = {f"judge_{name}": name for name in ("model", "rate", "rubric", "concurrency", "base_url")}
"""Settings, and the key of a judge that each stands in for."""

_DEFAULTS: Final[dict[str, Any]] = {
    _SETTINGS[setting.name]: setting.default for setting in TABLE if setting.name in _SETTINGS
}


class NewVersion(Strict):
    """A rate for a prompt version in the time after it was first seen."""

    rate: Share
    for_: Duration = Field(alias="for")


class Raised(Strict):
    """When all answers of a segment are judged more often, whatever became of them."""

    min_per_hour: int = Field(default=0, ge=0, le=100_000, strict=True, description="Judged answers of a segment.")
    new_version: NewVersion | None = None


class Boosts(Strict):
    """Rates by outcome. Drift detection never sees what only a boost has chosen."""

    error: Share = 0.0
    negative_feedback: Share = 0.0


class JudgeConfig(Strict):
    """A model that scores a sample of the answers by a rubric."""

    name: Name
    kind: Literal["judge"]
    rubric: str = Field(default=_DEFAULTS["rubric"], description="One that comes with Driftline, or a file.")
    model: str = Field(default=_DEFAULTS["model"], min_length=1, max_length=200)
    base_url: str = Field(
        default=_DEFAULTS["base_url"], pattern=r"^(https?://[^\s/]\S*)?$", description="Address of its endpoint."
    )
    api_key_env: str = Field(default="", pattern="^[A-Za-z_][A-Za-z0-9_]*$|^$", description="Variable with its key.")
    temperature: float | None = Field(default=0, ge=0, le=2, description="null: the model's own.")
    unit: Literal["request", "trace", "session"] = "request"
    applies: Applies = Field(default_factory=Applies)
    rate: Share = Field(default=_DEFAULTS["rate"], description="Share that is judged, decided by the trace id.")
    raised: Raised = Field(default_factory=Raised)
    boosts: Boosts = Field(default_factory=Boosts)
    budget: Budget = Field(default_factory=Budget, description="After it, judging pauses until the period is over.")
    concurrency: int = Field(default=_DEFAULTS["concurrency"], ge=1, le=256, strict=True)
    rpm: int | None = Field(default=None, ge=1, strict=True, description="Most requests a minute and process.")
    tpm: int | None = Field(default=None, ge=1000, strict=True, description="Most tokens a minute and process.")


EvaluatorConfig = JudgeConfig | CheckConfig


class Evaluators(Strict):
    """All of a file."""

    budget: Budget = Field(default_factory=Budget, description="Of all judges together.")
    evaluators: tuple[Annotated[EvaluatorConfig, Field(discriminator="kind")], ...]

    @property
    def judges(self) -> tuple[JudgeConfig, ...]:
        """Those that cost money."""
        return tuple(one for one in self.evaluators if one.kind == "judge")

    @property
    def checks(self) -> tuple[CheckConfig, ...]:
        """Those that the engine runs."""
        return tuple(one for one in self.evaluators if one.kind == "check")


def load_evaluators(settings: Settings) -> tuple[EvaluatorConfig, ...]:
    """The evaluators in force.

    Raises:
        SettingsError: the file or a rubric cannot be read or is wrong; names file, line and key.
    """
    return load_config(settings).evaluators


def load_config(settings: Settings) -> Evaluators:
    """All that holds: of the setting's file, else of ``evaluators.yaml`` here, else one judge by the settings.

    Raises:
        SettingsError: the file or a rubric cannot be read or is wrong; names file, line and key.
    """
    path = _path(settings)
    if path is None:
        return _default(settings)
    text = yaml_file.read_text(path, "evaluators", "evaluators_file")
    return parse_config(text, str(path), settings, path.parent)


def load_checks(settings: Settings) -> tuple[CheckConfig, ...]:
    """The checks in force. Judges are not looked at: their mistakes, and their rubrics, are no business of ingest.

    Raises:
        SettingsError: the file cannot be read, or a check is wrong; names file, line and key.
    """
    path = _path(settings)
    if path is None:
        return ()
    _, nodes = _nodes(yaml_file.read_text(path, "evaluators", "evaluators_file"), str(path))
    of_checks = [node for node in nodes if getattr(yaml_file.value(node, "kind"), "value", "") == "check"]
    found = (_evaluator(node, str(path), settings, path.parent) for node in of_checks)
    return tuple(one for one in found if one.kind == "check")


def _path(settings: Settings) -> Path | None:
    """Of the file; None where there is none and none is named."""
    named = str(settings.evaluators_file)
    path = Path(named or FILE_NAME).expanduser()
    return path if named or path.exists() else None


def api_key(judge: JudgeConfig, settings: Settings) -> str:
    """The key for a judge's endpoint; '' when there is none, so that it cannot judge.

    The key of the settings goes to the endpoint of the settings alone. Another one gets the key that the file names
    for it, and without that a word in its place, as servers of one's own ask for none.
    """
    if judge.api_key_env:
        return os.environ.get(judge.api_key_env, "")
    return str(settings.judge_api_key) if judge.base_url == settings.judge_base_url else "none"


def parse_config(text: str, source: str, settings: Settings, folder: Path = Path()) -> Evaluators:
    """Read the text of an evaluators.yaml.

    Args:
        text: YAML with the list ``evaluators`` and, if there is one, the ``budget`` of all.
        source: the file's name, for messages.
        settings: for what is left out.
        folder: that rubrics' relative paths start from.

    Raises:
        SettingsError: the first mistake, as ``evaluators.yaml line 7, column 11: evaluator 'tone': …``.
    """
    root, nodes = _nodes(text, source)
    found: dict[str, EvaluatorConfig] = {}
    for node in nodes:
        one = _evaluator(node, source, settings, folder)
        if one.name in found:
            at = yaml_file.place(yaml_file.value(node, "name") or node)
            raise SettingsError(f"{source} {at}: two evaluators are named {one.name!r}; rename one")
        found[one.name] = one
    # What stands beside the list is checked with the list emptied, since each evaluator has been.
    nodes.clear()
    whole = yaml_model.build(Evaluators, root, source, "the file")
    return whole.model_copy(update={"evaluators": tuple(found.values())})


def _nodes(text: str, source: str) -> tuple[yaml.MappingNode, list[yaml.Node]]:
    """The file's tree, and the list in it."""
    root = yaml_file.compose(text, source, if_empty="write 'evaluators: []' to have none")
    listed = yaml_file.value(root, "evaluators")
    if not isinstance(root, yaml.MappingNode) or not isinstance(listed, yaml.SequenceNode):
        raise SettingsError(f"{source} line {yaml_file.line(root)}: expected 'evaluators:' with a list under it")
    return root, listed.value


def _evaluator(node: yaml.Node, source: str, settings: Settings, folder: Path) -> EvaluatorConfig:
    if not isinstance(node, yaml.MappingNode):
        at = yaml_file.place(node)
        raise SettingsError(f"{source} {at}: an evaluator must be a list of 'key: value' pairs")
    named = yaml_file.value(node, "name")
    who = f"evaluator {named.value!r}" if isinstance(named, yaml.ScalarNode) else "an evaluator without a name"
    kind = _kind(node, source, who)
    if kind == "check":
        return yaml_model.build(CheckConfig, node, source, who)
    judge = yaml_model.build(JudgeConfig, node, source, who, _from_settings(settings))
    return _with_rubric(judge, node, source, who, folder)


def _kind(node: yaml.MappingNode, source: str, who: str) -> str:
    given = yaml_file.value(node, "kind")
    kind = str(given.value) if isinstance(given, yaml.ScalarNode) else ""
    if kind not in KINDS:
        at = yaml_file.place(given or node)
        raise SettingsError(
            f"{source} {at}: {who}: 'kind' must be judge or check" + (f", not {kind!r}" if kind else "")
        )
    return kind


def _with_rubric(judge: JudgeConfig, node: yaml.MappingNode, source: str, who: str, folder: Path) -> JudgeConfig:
    """The judge whose rubric is known to be right, by a path that holds wherever it is read from."""
    given = yaml_file.value(node, "rubric")
    if given is None:
        load_rubric(judge.rubric)
        return judge
    path = folder / Path(judge.rubric).expanduser()
    named = str(path.resolve()) if path.is_file() else judge.rubric
    try:
        load_rubric(named, "rubric")
    except SettingsError as error:
        raise SettingsError(f"{source} {yaml_file.place(given)}: {who}: {error}") from None
    return judge.model_copy(update={"rubric": named})


def _from_settings(settings: Settings) -> dict[str, Any]:
    return {key: getattr(settings, name) for name, key in _SETTINGS.items()}


def _default(settings: Settings) -> Evaluators:
    rubric = load_rubric(settings.judge_rubric)
    try:
        judge = JudgeConfig.model_validate({"name": rubric.name, "kind": "judge", **_from_settings(settings)})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = first["loc"][0]
        raise SettingsError(f"the setting 'judge_{key}' is {first['input']!r}: {first['msg']}; correct it") from None
    return Evaluators(evaluators=(judge,))
