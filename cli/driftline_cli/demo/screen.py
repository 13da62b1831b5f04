"""What the demo prints: plain lines, so that they stay readable in a log as well as in a terminal."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from rich.markup import escape
from rich.panel import Panel

import driftline
from driftline_store.metrics import metric_named
from driftline_store.metrics_format import format_value
from driftline_store.metrics_query import query_metrics, readings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from rich.console import Console

    from driftline.settings import Settings
    from driftline_cli.demo import Outcome
    from driftline_cli.demo.bot import Traffic
    from driftline_cli.demo.freshness import Freshness
    from driftline_store.metrics_query import Reading

_SHOWN: Final = ("requests", "error_rate", "latency_p95", "fallback_rate", "satisfaction", "cost_per_request")
_WINDOW: Final = timedelta(minutes=60)
_DATE: Final = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_STORED: Final = "SELECT (SELECT count() FROM llm_spans) + (SELECT count() FROM evaluations WHERE source = 'human')"


def stored(client: Client) -> int:
    """How many spans and pieces of feedback the store has."""
    return int(client.query(_STORED).result_rows[0][0])


class Screen:
    """Tells the demo's story."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.slack_shown = 0

    def say(self, text: str) -> None:
        """Print one line as it is."""
        self._console.print(escape(text))

    def introduce(self, settings: Settings) -> None:
        """Say what is real, what is not, and where to look."""
        self._console.print(
            Panel.fit(
                "A support bot answers customers; Driftline watches it.\n"
                "Simulated: one local server that plays the model, the judge and Slack.\n"
                "Real: all the rest, from the decorator over bus, store, judge and rules to the message.\n"
                f"So that there is something to see at once, the judge reads {settings.judge_rate:.0%} of the requests "
                f"here and not 1 %, what is normal is learned in {settings.drift_warm_up_minutes * 60:.0f} s and not "
                "in an hour, and the rules look at five minutes.",
                title="Driftline demo",
            )
        )
        url = f"http://{settings.dashboard_host}:{settings.dashboard_port}/?window=1h"
        self._console.print(f"[bold]dashboard  {url}[/bold]   (data in {settings.data_dir}, removed at the end)")

    def announce_change(self, before: str, after: str) -> None:
        """Say what is made worse now."""
        self._console.print(
            Panel.fit(
                f"v1: {escape(before)}\nv2: {escape(after)}", title="injected regression: prompt version v2 goes live"
            )
        )

    def announce_alert(self, seconds: float) -> None:
        """Say how long it took."""
        self._console.print(f"[bold]noticed {seconds:.0f} s after the change[/bold]")

    def slack(self, message: dict[str, Any]) -> None:
        """Show a message as Slack got it."""
        self.slack_shown += 1
        lines = [str(message.get("text", ""))]
        for block in message.get("blocks", []):
            lines += [str(part["text"]) for part in [block.get("text"), *block.get("fields", [])] if part]
            lines += [_plain(element) for element in block.get("elements", []) if block["type"] == "rich_text"]
        text = _DATE.sub(r"\1", "\n".join(dict.fromkeys(lines)))
        self._console.print(Panel.fit(escape(text.replace("&amp;", "&")), title="Slack received"))

    def line(self, elapsed: float, client: Client, traffic: Traffic, freshness: Freshness) -> None:
        """One line of live numbers, read through the metrics layer as the dashboard does."""
        now = datetime.now(UTC)
        frame = query_metrics(client, _SHOWN, since=now - _WINDOW, until=now + timedelta(minutes=1))
        parts = [f"t={elapsed:3.0f} s", f"asked {traffic.asked}"]
        for name in _SHOWN:
            found = readings(frame, name, since=now - _WINDOW, until=now)
            parts += [f"{_SHORT.get(name, name)} {format_value(reading.metric, reading.value)}" for reading in found]
        parts += [f"quality {version} {_quality(reading)}" for version, reading in self._qualities(client, now)]
        if len(freshness.seconds) > 1:
            parts.append(f"fresh p95 {freshness.percentile(95):.2f} s")
        self._console.print(" · ".join(parts), soft_wrap=True)

    def _qualities(self, client: Client, now: datetime) -> list[tuple[str, Reading]]:
        since, until = now - _WINDOW, now + timedelta(minutes=1)
        frame = query_metrics(client, ["quality"], since=since, until=until, by=["prompt_version"])
        found = zip(frame["prompt_version"], readings(frame, "quality", since=since, until=until), strict=True)
        return sorted(((str(v), r) for v, r in found if r.value is not None), key=lambda pair: pair[0])

    def sum_up(self, client: Client, traffic: Traffic, freshness: Freshness, outcome: Outcome) -> None:
        """Say what came of it, with the counts that prove it."""
        stats = driftline.stats()
        unpriced = client.query("SELECT sum(unpriced_calls) FROM llm_rollups WHERE resolution = 'day'").result_rows[0][
            0
        ]
        lines = [
            (
                f"requests asked {traffic.asked}; spans and feedback sent {stats.exported}, dropped {stats.dropped}; "
                f"stored {stored(client)}; unpriced calls {unpriced}"
            ),
            (
                f"from the end of a call to its being queryable: p50 {freshness.percentile(50):.2f} s, "
                f"p95 {freshness.percentile(95):.2f} s (n = {len(freshness.seconds)})"
            ),
        ]
        if outcome.changed is None:
            lines.append("ended before the change")
        elif outcome.alerted is None:
            lines.append("no alert about the change came")
        else:
            lines.append(f"alert {outcome.alerted - outcome.changed:.0f} s after the change")
        self._console.print(Panel.fit("\n".join(lines), title="Summary"))


_SHORT: Final = {"latency_p95": "p95", "cost_per_request": "cost", "error_rate": "errors", "fallback_rate": "fallback"}


def _quality(reading: Reading) -> str:
    value = format_value(metric_named("quality"), reading.value)
    if reading.low is None or reading.high is None:
        return f"{value} n={reading.n}"
    return f"{value} [{reading.low:.2f}, {reading.high:.2f}] n={reading.n}"


def _plain(element: dict[str, Any]) -> str:
    """Text of a part of a rich text, with the addresses of links."""
    if element["type"] == "link":
        return f"{element['text']}: {element['url']}"
    if element["type"] == "date":
        return str(element["fallback"])
    return str(element.get("text", "")) + "".join(map(_plain, element.get("elements", [])))
