"""``python -m driftline_cli``."""

from driftline_cli import main

main()
