"""Runs a stock OpenTelemetry Collector with the configurations that the docs show."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

GIVEN = "DRIFTLINE_TEST_OTELCOL"
READY = "Everything is ready"
"""What a Collector says when it can be used."""

PAGE = Path(__file__).parents[1] / "docs" / "collector.md"
_START_SECONDS = 30.0
_BLOCK = re.compile(r"```yaml\n# (?P<title>.*?)\n(?P<body>.*?)```", re.DOTALL)


def documented(title: str) -> dict[str, Any]:
    """The configuration that the docs show under this title."""
    [found] = [match["body"] for match in _BLOCK.finditer(PAGE.read_text()) if match["title"] == title]
    config: dict[str, Any] = yaml.safe_load(found)
    return config


@contextlib.contextmanager
def collector(config: dict[str, Any], folder: Path) -> Iterator[Path]:
    """A Collector that runs as long as the block; gives its log.

    Args:
        config: as its YAML says it; its own metrics are switched off here.
        folder: for its files.
    """
    config["service"]["telemetry"] = {"metrics": {"level": "none"}}
    (folder / "collector.yaml").write_text(yaml.safe_dump(config))
    log = folder / "collector.log"
    with log.open("wb") as file:
        command = [os.environ[GIVEN], "--config", "collector.yaml"]
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=file)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while READY not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
