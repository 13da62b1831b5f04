"""The composition root: commands, ``up`` and ``demo``."""

from __future__ import annotations

import sys

from driftline.errors import DriftlineError, MissingExtraError

__all__ = ["main"]


def main() -> None:
    """Run the command line; what Driftline itself raises becomes one sentence and exit code 1."""
    try:
        try:
            from driftline_cli.app import app  # noqa: PLC0415 - what is not installed has to end in a sentence
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("driftline"):
                raise
            raise MissingExtraError("the driftline command", error.name) from None
        app()
    except DriftlineError as error:
        sys.stderr.write(f"driftline: {error}\n")
        sys.exit(1)
