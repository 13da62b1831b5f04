"""``driftline ingest`` with a shorter session, so that a dead or paused member is replaced in seconds."""

from __future__ import annotations

import sys

from driftline.bus import kafka_client
from driftline_cli import main

if __name__ == "__main__":
    kafka_client.SESSION_SECONDS = float(sys.argv.pop(1))
    main()
