"""The composition root: commands, ``up`` and ``demo``."""

from __future__ import annotations

import sys

from driftline.errors import DriftlineError, MissingExtraError

__all__ = ["main"]


def main() -> None:
    """Run the command line; what Driftline itself raises becomes one sentence and exit code 1."""
    try:
        _run()
    except DriftlineError as error:
        sys.stderr.write(f"driftline: {error}\n")
        sys.exit(1)


def _run() -> None:
    if sys.argv[1:2] == ["run"]:  # for applications, which have no more than ``pip install driftline``
        from driftline.run import main as run  # noqa: PLC0415 - commands start fast by importing only their own part

        run(sys.argv[2:])
    try:
        from driftline_cli.app import app  # noqa: PLC0415 - what is not installed has to end in a sentence

        app()
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package.startswith("driftline"):
            raise
        raise MissingExtraError("this command", package) from None
