"""What ``driftline status`` says about the receiver."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from driftline.settings import load
from driftline_processors.ingest_worker import prepare
from receiver_support import free_port, receiving, spans_request
from store_fixtures import running_store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def receiver_line(path: Path, port: int) -> str:
    environ = os.environ | {"DRIFTLINE_DATA_DIR": str(path), "DRIFTLINE_RECEIVER_PORT": str(port), "COLUMNS": "200"}
    command = [sys.executable, "-m", "driftline_cli", "status"]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True).stdout
    found = re.search(r"^ *receiver +(.*?) *$", said, re.MULTILINE)
    assert found, said
    return found[1]


def test_status_says_what_the_receiver_took_or_that_none_answers(tmp_path: Path) -> None:
    settings = load({}, data_dir=str(tmp_path), receiver_port=free_port())
    with running_store(tmp_path):
        prepare(settings).close()
        with receiving(settings) as sender:
            assert receiver_line(tmp_path, sender.port) == "nothing received yet"
            sender.post(spans_request(1, 1).SerializeToString())
            assert receiver_line(tmp_path, sender.port) == "2 spans accepted"
        assert receiver_line(tmp_path, sender.port) == f"none answers at 127.0.0.1:{sender.port}"
