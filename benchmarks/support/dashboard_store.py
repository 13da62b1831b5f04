"""A store as 100 million spans would have left it, and the dashboard served on it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from driftline_dashboard.serve import OPTIONS
from driftline_store.migrate import migrate
from support.processes import free_port, running, settle, wait_for
from support.rollups import SEGMENTS, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from driftline_store.client import Client

SPANS: Final = 100_000_000
APP: Final = Path(__file__).parents[2] / "dashboard" / "driftline_dashboard" / "app.py"
CONSTANT: Final = Path(__file__).with_name("constant_page.py")

# What examples are chosen from: the newest requests, 2 % of which failed. The views are not installed, so the sums
# are only those that stand for all spans.
_NEWEST: Final = """\
INSERT INTO llm_spans (
    trace_id, span_id, name, start, start_unix_nano, duration, arrived, service, environment, feature, model,
    prompt_name, prompt_version, is_call, is_request, input_tokens, output_tokens, cost, is_error, error_class, input,
    output
)
SELECT
    lower(hex(cityHash64(number, 1))) || lower(hex(cityHash64(number, 2))), lower(hex(cityHash64(number, 3))), 'chat',
    toDateTime64({until:UInt32} - number / 40, 6, 'UTC') AS start, toUnixTimestamp64Nano(start), 1.5, start, 'shop',
    'production', concat('feature-', toString(number % 20)), concat('model-', toString(number % 2)), 'answer',
    concat('v', toString(number % 5)), true, true, 500, 200, toDecimal64(0.0012, 12), number % 50 = 0 AS failed,
    if(failed, 'timeout', ''), repeat('a question of somebody ', 20), if(failed, '', repeat('an answer to it ', 40))
FROM numbers({spans:UInt64})"""

# Of what was judged, as the sums of requests have it.
_JUDGED: Final = """\
INSERT INTO judged_rollups (
    resolution, at, name, unit, service, environment, feature, model, prompt_name, prompt_version, judged,
    w, ws, w2, w2s, w2s2, uniform_levels
)
SELECT
    resolution, at, 'quality', 'request', service, environment, feature, model, prompt_name, prompt_version, judged,
    judged_w, judged_ws, judged_w2, judged_w2s, judged_w2s2, map(toInt16(16), judged)
FROM llm_rollups WHERE judged > 0"""

# Ten monitors of each segment, which are written every six hours.
_MONITORS: Final = """\
INSERT INTO drift_monitors (stream, at, metric, segment, state, n, per_day, level, evidence, false_a_month)
SELECT
    toString(number % {monitors:UInt32}) AS stream,
    toDateTime64({until:UInt32} - 60 - intDiv(number, {monitors:UInt32}) * 21600, 3, 'UTC'),
    ['quality', 'error_rate', 'latency_p95', 'fallback_rate', 'cost_per_call_p95', 'timeout_rate', 'rate_limit_rate',
     'server_error_rate', 'satisfaction', 'time_to_first_token_p95'][number % 10 + 1],
    map('feature', concat('feature-', toString(intDiv(number, 10) % 20)), 'prompt_version', concat('v', stream)),
    'watching', 5000, 1000, 0.9, cityHash64(number) / 18446744073709551616. / 2, 0.0005
FROM numbers({monitors:UInt32} * 120)"""


def prepare(client: Client, until: datetime, *, quick: bool) -> None:
    """Sums of 100 million spans in 30 days, and 2,000 monitors of drift; of the newest spans there are rows too.

    Args:
        client: of an empty store.
        until: the end.
        quick: sums per minute only where the questions of a day read them, and fewer rows.
    """
    migrate(client)
    fill(client, SPANS, until, all_minutes=not quick)
    moment = {"until": int(until.timestamp())}
    client.command(_NEWEST, parameters=moment | {"spans": 20_000 if quick else 200_000})
    client.command(_JUDGED)
    client.command(_MONITORS, parameters=moment | {"monitors": 10 * SEGMENTS})
    settle(client)


@contextlib.contextmanager
def serving(folder: Path, app: Path) -> Iterator[str]:
    """Serve an app on the store of a folder for the time of the block; gives its address."""
    port = free_port()
    options = [f"--{name}={value}" for name, value in (OPTIONS | {"server.port": str(port)}).items()]
    command = [sys.executable, "-m", "streamlit", "run", str(app), *options]
    url = f"http://127.0.0.1:{port}"
    environ = {"DRIFTLINE_DATA_DIR": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
    with running(command, folder, app.stem, environ):
        wait_for(url)
        yield url
