"""``driftline run``: starts a program in whose processes calls of models are recorded, without touching its code."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from driftline import settings as settings_table
from driftline.errors import SettingsError
from driftline.libraries import ALL

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE: Final = """\
Usage: driftline run FILE.py [ARGUMENTS]
       driftline run -m MODULE [ARGUMENTS]
       driftline run COMMAND [ARGUMENTS]

Run a Python program and record its calls of models, without touching its code:

    driftline run app.py --port 8000
    driftline run gunicorn app:app

Needs an instrumentation for each library that the program calls models with, such as
opentelemetry-instrumentation-genai-openai; docs/auto-instrumentation.md lists them. The environment variable
DRIFTLINE_INSTRUMENT names the libraries; without it, all are meant for which one is installed. Everything else is
configured as without this command, see docs/settings.md. Processes that the program starts are included.
"""

_STARTUP: Final = Path(__file__).absolute().parent / "startup"
_INSTRUMENT: Final = settings_table.PREFIX + "INSTRUMENT"


def main(arguments: Sequence[str]) -> NoReturn:
    """Become the program that the arguments name; exit with 2, 126 or 127, as a shell would, if that cannot be.

    Args:
        arguments: what follows ``driftline run``.
    """
    if arguments and arguments[0] in {"--help", "-h"}:
        sys.stdout.write(USAGE)
        sys.exit(0)
    if not arguments or (arguments[0].startswith("-") and arguments[0] != "-m") or arguments == ["-m"]:
        sys.stderr.write(USAGE)
        sys.exit(2)
    command = command_of(arguments)
    if command is None:
        sys.stderr.write(f"driftline: there is no command {arguments[0]!r}; Python files are named with their .py\n")
        sys.exit(127)
    try:
        os.execve(command[0], command, environment(os.environ))  # noqa: S606 - it is the user's own command line
    except OSError as error:
        sys.stderr.write(f"driftline: {command[0]} cannot be run: {error.strerror}\n")
        sys.exit(126)


def command_of(arguments: Sequence[str]) -> list[str] | None:
    """The full command line: a Python file or module is for this interpreter, and a command first looked for beside it.

    Args:
        arguments: as a user wrote them.

    Returns:
        None if there is no such command.
    """
    first = arguments[0]
    if first == "-m" or first.endswith(".py"):
        return [sys.executable, *arguments]
    found = shutil.which(first, path=os.fspath(Path(sys.executable).parent)) or shutil.which(first)
    return None if found is None else [found, *arguments[1:]]


def environment(outside: dict[str, str] | os._Environ[str]) -> dict[str, str]:
    """The environment of the program.

    Args:
        outside: the one of this process.
    """
    startup, before = os.fspath(_STARTUP), outside.get("PYTHONPATH", "")
    others = [path for path in before.split(os.pathsep) if path != startup] if before else []
    inside = {**outside, "PYTHONPATH": os.pathsep.join([startup, *others])}
    try:
        said = settings_table.load(outside).instrument
    except SettingsError:  # the program will say so
        said = ""
    return inside if said else {**inside, _INSTRUMENT: ALL}
