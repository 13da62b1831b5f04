"""What the judge is asked to look for: a file that people write, with a name and a version.

Markdown with YAML between two lines ``---`` in front::

    ---
    name: support        # of the evaluation, as stored and shown
    version: 2           # raise it whenever the text changes its meaning
    criteria:            # scored one by one, beside the whole; may be left out
      accuracy: Is everything that it claims right?
      tone: {question: "Is it friendly and calm?", weight: 0.5}
    overall: mean        # of the criteria, weighted; "judge" if left out: the judge gives the score itself
    scale: 0-10          # or 1-5 or pass/fail; 0-10 if left out
    pass_score: 0.7      # from which score (0 to 1) on an answer is labelled "pass"; 0.7 if left out
    ---
    Judge how well the answer ...
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self

import yaml
from pydantic import Field, model_validator

from driftline.errors import SettingsError
from driftline_processors import yaml_file, yaml_model
from driftline_processors.judge.fields import Criteria, ScaleName, Strict
from driftline_processors.judge.scale import DEFAULT_SCALE, Scale
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_processors.judge.fields import Criterion

DEFAULT_PASS_SCORE: Final = 0.7
DEFAULT_RUBRIC: Final = "quality"

SHIPPED: Final = (DEFAULT_RUBRIC, "chat-support", "summarisation", "extraction", "rag", "classification")
"""Names of the rubrics that come with Driftline, each a file in ``rubrics``."""

Overall = Literal["judge", "mean"]
"""How the score of the whole comes about: the judge gives it, or it is the weighted mean of the criteria."""

_FENCE: Final = "---"


class Head(Strict):
    """The fields in front of a rubric."""

    name: str = Field(min_length=1, max_length=100)
    version: str = Field(min_length=1, max_length=40)
    criteria: Criteria = Field(default_factory=dict)
    overall: Overall = "judge"
    scale: ScaleName = DEFAULT_SCALE
    pass_score: float = Field(default=DEFAULT_PASS_SCORE, ge=0, le=1)

    @model_validator(mode="after")
    def _has_something_to_average(self) -> Self:
        if self.overall == "mean" and not self.criteria:
            raise ValueError("'overall: mean' needs criteria")
        return self


@dataclass(frozen=True, slots=True)
class Rubric:
    """Instructions for the judge.

    Attributes:
        name: of the evaluations made by it.
        version: as its author counts.
        instructions: what makes an answer good or bad, in words for the judging model.
        pass_score: score, 0 to 1, from which on an answer is labelled ``pass``, below it ``fail``.
        scale: on which the judging model scores.
        criteria: what is scored by itself.
        overall: how the score of the whole comes about.
    """

    name: str
    version: str
    instructions: str
    pass_score: float = DEFAULT_PASS_SCORE
    scale: Scale = DEFAULT_SCALE
    criteria: Mapping[str, Criterion] = field(default_factory=dict)
    overall: Overall = "judge"

    def fingerprint(self, model: str, told: str = "", response_model: str = "") -> str:
        """Name of the instrument: scores with different fingerprints are not comparable as they stand.

        Args:
            model: that is asked.
            told: everything else that scores depend on: what the model is told, and its parameters.
            response_model: that answered, by its own account; '' before anything did.
        """
        asked = [f"{name}\0{one.question}\0{one.weight}" for name, one in self.criteria.items()]
        own = (self.name, self.version, self.instructions, self.scale.name, self.overall, str(self.pass_score), *asked)
        hashed = hashlib.sha256("\0".join((model, told, *own)).encode()).hexdigest()[:12]
        return f"{self.name} {self.version} {response_model or model} {hashed}"


def shipped_text(name: str) -> str:
    """The file of a rubric that comes with Driftline, to start one's own from.

    Raises:
        SettingsError: there is none of that name.
    """
    if name not in SHIPPED:
        raise SettingsError(f"no rubric {name!r} comes with Driftline; {closest(name, SHIPPED)}")
    return (resources.files("driftline_processors.judge") / "rubrics" / f"{name}.md").read_text(encoding="utf-8")


def load_rubric(named: str | Path = "", setting: str = "judge_rubric") -> Rubric:
    """Read a rubric.

    Args:
        named: one that comes with Driftline, or a file; empty for the default one.
        setting: that names it, for messages.

    Raises:
        SettingsError: the file cannot be read or does not say what it must; names file, line and column.
    """
    name = str(named) or DEFAULT_RUBRIC
    if name in SHIPPED:
        return parse_rubric(shipped_text(name), f"the rubric {name}")
    path = Path(name).expanduser()
    if not path.exists() and "." not in name and "/" not in name:
        raise SettingsError(
            f"no rubric {name!r} comes with Driftline ({closest(name, SHIPPED)}), and there is no such file; "
            f"name another one in {setting!r}"
        )
    return parse_rubric(yaml_file.read_text(path, "a rubric", setting), str(path))


def parse_rubric(text: str, source: str) -> Rubric:
    """Read a rubric from its text.

    Args:
        text: front matter and instructions.
        source: where it comes from, for messages.

    Raises:
        SettingsError: see ``load_rubric``.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    closing = next((n for n, line in enumerate(lines) if n and line.rstrip() == _FENCE), 0)
    if not closing or lines[0].rstrip() != _FENCE:
        raise SettingsError(f"{source} line 1: a rubric begins with name and version between two lines '{_FENCE}'")
    # With an empty line for the fence, so that places are those of the file.
    head = _head("\n".join(["", *lines[1:closing]]), source)
    instructions = "\n".join(lines[closing + 1 :]).strip()
    if not instructions:
        raise SettingsError(f"{source} line {closing + 2}: no instructions stand below the '{_FENCE}'")
    return Rubric(
        head.name, head.version, instructions, head.pass_score, head.scale, head.criteria, overall=head.overall
    )


def _head(text: str, source: str) -> Head:
    node = yaml_file.compose(text, source, if_empty="write name and version between the lines '---'")
    if not isinstance(node, yaml.MappingNode):
        raise SettingsError(f"{source} line 2: expected fields such as 'name: support', each in a line of its own")
    for key in ("name", "version"):
        written = yaml_file.value(node, key)
        if isinstance(written, yaml.ScalarNode):
            # As written, not as YAML would read it: version 1.10 is not the number 1.1.
            written.tag = "tag:yaml.org,2002:str"
    return yaml_model.build(Head, node, source, "the rubric")
