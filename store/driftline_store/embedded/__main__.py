"""``python -m driftline_store.embedded --data-dir X``: run the embedded store in this process."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from driftline.errors import DriftlineError
from driftline_store.embedded.process import serve


def main() -> int:
    """Read the arguments and serve; returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m driftline_store.embedded", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that holds the data")
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; 0: any free one")
    parser.add_argument("--with-parent", action="store_true", help="stop when the starting process is gone")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        serve(arguments.data_dir.expanduser(), port=arguments.port, with_parent=arguments.with_parent)
    except DriftlineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
