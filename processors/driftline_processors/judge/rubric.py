"""What the judge is asked to look for: a file that people write, with a name and a version.

Markdown with YAML between two lines ``---`` in front::

    ---
    name: quality        # of the evaluation, as stored and shown
    version: 2           # raise it whenever the text below changes its meaning
    pass_score: 0.7      # from which score (0 to 1) on an answer is labelled "pass"; 0.7 if left out
    ---
    Judge how well the answer ...
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

import yaml

from driftline.errors import SettingsError

DEFAULT_PASS_SCORE: Final = 0.7

_FENCE: Final = "---"
_KEYS: Final = ("name", "version", "pass_score")


@dataclass(frozen=True, slots=True)
class Rubric:
    """Instructions for the judge.

    Attributes:
        name: of the evaluations made by it.
        version: as its author counts.
        instructions: what makes an answer good or bad, in words for the judging model.
        pass_score: score, 0 to 1, from which on an answer is labelled ``pass``, below it ``fail``.
    """

    name: str
    version: str
    instructions: str
    pass_score: float = DEFAULT_PASS_SCORE

    def fingerprint(self, model: str, prompt: str = "") -> str:
        """Name of the instrument: scores with different fingerprints are not comparable as they stand.

        Args:
            model: that judges.
            prompt: everything else that the model is told.
        """
        told = "\0".join((model, prompt, self.name, self.version, self.instructions))
        return f"{self.name} {self.version} {model} {hashlib.sha256(told.encode()).hexdigest()[:12]}"


def load_rubric(path: str | Path = "") -> Rubric:
    """Read a rubric.

    Args:
        path: of the file; empty for the one that comes with Driftline.

    Raises:
        SettingsError: the file cannot be read or does not say what it must; names file and line.
    """
    if not path:
        shipped = resources.files(__package__).joinpath("default_rubric.md")
        return parse_rubric(shipped.read_text(encoding="utf-8"), "the default rubric")
    try:
        text = Path(path).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"the rubric {path} cannot be read: {error.strerror}; correct the setting 'judge_rubric'"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"the rubric {path} is not UTF-8 text; save it as UTF-8") from None
    return parse_rubric(text, str(path))


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
        raise SettingsError(f"{source}, line 1: a rubric begins with name and version between two lines '{_FENCE}'")
    fields = _Fields("\n".join(lines[1:closing]), source, last_line=closing + 1)
    instructions = "\n".join(lines[closing + 1 :]).strip()
    if not instructions:
        raise SettingsError(f"{source}, line {closing + 2}: no instructions stand below the '{_FENCE}'")
    return Rubric(fields.text("name"), fields.text("version"), instructions, fields.share("pass_score"))


class _Fields:
    """The front matter, with the line that each field stands in."""

    def __init__(self, text: str, source: str, last_line: int) -> None:
        self._source = source
        self._last_line = last_line
        self._lines: dict[str, int] = {}
        # As written, not as YAML would read it: version 1.10 is not the number 1.1.
        self._values: dict[str, str] = {}
        for key, value in self._parsed(text):
            self._lines[key.value] = key.start_mark.line + 2
            if key.value not in _KEYS:
                raise self._error(key.value, f"unknown field {key.value!r}; known are: {', '.join(_KEYS)}")
            self._values[key.value] = str(value.value).strip() if isinstance(value, yaml.ScalarNode) else ""

    def _parsed(self, text: str) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 2 if error.problem_mark else 2
            raise SettingsError(f"{self._source}, line {line}: not valid YAML: {error.problem}") from None
        except (yaml.YAMLError, RecursionError):
            raise SettingsError(f"{self._source}, line 2: not valid YAML") from None
        if isinstance(node, yaml.MappingNode) and all(isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            return list(node.value)
        raise SettingsError(f"{self._source}, line 2: expected fields such as 'name: quality'")

    def text(self, name: str) -> str:
        value = self._values.get(name, "")
        if not value:
            raise self._error(name, f"'{name}' must be a short text")
        return value

    def share(self, name: str) -> float:
        try:
            value = float(self._values.get(name, DEFAULT_PASS_SCORE))
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise self._error(name, f"'{name}' must be a number from 0 to 1")
        return value

    def _error(self, name: str, what: str) -> SettingsError:
        return SettingsError(f"{self._source}, line {self._lines.get(name, self._last_line)}: {what}")
