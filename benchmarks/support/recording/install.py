"""Virtual environments of the libraries that are measured: made on demand, one each."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from support.watch import NotRunError

if TYPE_CHECKING:
    from collections.abc import Iterable

OPENAI = "openai"
"""What the observed function answers with comes from it; the version is ours if the library takes it."""

_NOTE = "installed.json"
_PIP = ("-m", "pip", "--disable-pip-version-check")


@dataclass(frozen=True)
class Place:
    """A Python in which a library can be imported.

    Attributes:
        packages: how many pip adds for the library to an empty environment.
    """

    python: str
    packages: int


def found(folder: Path, requirements: tuple[str, ...]) -> Place:
    """The environment that was made for these requirements.

    Raises:
        NotRunError: there is none yet, or it is one for other versions.
    """
    try:
        note = json.loads((folder / _NOTE).read_text())
    except FileNotFoundError:
        raise NotRunError(f"{' '.join(requirements)} is not installed in {folder}; --install does it") from None
    if note["requirements"] != list(requirements):
        raise NotRunError(f"{folder} has {' '.join(note['requirements'])}; --install replaces it")
    return Place(str(_python(folder)), note["packages"])


def install(folder: Path, requirements: tuple[str, ...], constraint: Path | None = None) -> Place:
    """Make the environment unless it is there, and count what pip adds.

    Args:
        folder: of the environment; what is in it is replaced.
        requirements: as pip takes them.
        constraint: pip's file of versions, if any.

    Raises:
        NotRunError: pip failed; with the last line that it said.
    """
    try:
        return found(folder, requirements)
    except NotRunError:
        pass
    _run(sys.executable, "-m", "venv", "--clear", str(folder))
    python = str(_python(folder))
    _run(python, *_PIP, "install", "--quiet", "--upgrade", "pip")  # older ones do not find versions that fit together
    before = _count(python)
    limits = () if constraint is None else ("--constraint", str(constraint))
    _run(python, *_PIP, "install", "--quiet", *limits, *requirements)
    added = _count(python) - before
    _run(python, *_PIP, "install", "--quiet", OPENAI)  # as it is if the library brought one
    (folder / _NOTE).write_text(json.dumps({"requirements": requirements, "packages": added}))
    return Place(python, added)


def here(requirements: Iterable[str]) -> Place:
    """This Python, with the number of packages that the requirements come to by what packages say they need."""
    return Place(sys.executable, len(_closure(requirements)))


@functools.cache
def count_in_new(requirements: tuple[str, ...]) -> int:
    """Install into an empty environment, which is removed again, and count what pip adds.

    Raises:
        NotRunError: pip failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        return install(Path(folder) / "venv", requirements).packages


def _closure(requirements: Iterable[str]) -> set[str]:
    names: set[str] = set()
    waiting = [Requirement(one) for one in requirements]
    while waiting:
        wanted = waiting.pop()
        name = wanted.name.lower().replace("_", "-")
        if name in names or not (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            continue
        try:
            waiting += [Requirement(one) for one in requires(name) or ()]
        except PackageNotFoundError:
            raise NotRunError(f"{name} is not installed here; make setup does it") from None
        names.add(name)
    return names


def _python(folder: Path) -> Path:
    return folder / "bin/python"


def _count(python: str) -> int:
    return len(json.loads(_run(python, *_PIP, "list", "--format", "json")))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise NotRunError(f"{' '.join(command[:4])} … failed: {said}")
    return done.stdout
