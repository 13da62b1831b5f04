"""The demo is the whole product on real components; its exit code says whether the alert came."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_demo_shows_a_regression_its_slack_message_and_that_nothing_was_lost() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DRIFTLINE_", "OPENAI_"))}
    port = free_port()
    command = [sys.executable, "-m", "driftline_cli", "demo", "--seconds", "95", "--no-browser", "--port", str(port)]
    with socket.socket() as collector:
        # Something else has the receiver's usual port, as a Collector or a second demo would.
        collector.bind(("127.0.0.1", 0))
        collector.listen()
        clean["DRIFTLINE_RECEIVER_PORT"] = str(collector.getsockname()[1])
        demo = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=220, check=False)
    said = demo.stdout
    assert demo.returncode == 0, said + demo.stderr
    assert "Traceback" not in said + demo.stderr

    assert f"http://127.0.0.1:{port}" in said
    assert "prompt version v2 goes live" in said
    slack = said[said.index("Slack received") :]
    told = "Quality of feature support, prompt_version v2, model \\S+ fell from 0.9\\d+ to 0.[1-8]\\d+"
    assert re.search(told.replace(" ", r"[\s│]+"), slack), said
    assert re.search(r"\d+ judged answers", slack), said

    summary = said[said.index("Summary") :]
    counted = re.search(r"sent (\d+), dropped (\d+);\s+stored (\d+); unpriced calls (\d+)", summary)
    assert counted, summary
    sent, dropped, stored, unpriced = map(int, counted.groups())
    assert sent == stored > 1000
    assert (dropped, unpriced) == (0, 0)
    assert re.search(r"p95 \d+\.\d\d s \(n = \d+\)", summary), "freshness is measured and printed"
