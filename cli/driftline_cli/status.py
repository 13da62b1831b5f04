"""``driftline status``: what is stored, what waits, what is wrong."""

from __future__ import annotations

import http.client
import json
import urllib.request
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from driftline.bus import open_bus
from driftline.errors import BusError
from driftline_alerts.reporting import PART, has_worked, missing
from driftline_cli.collectors_table import NOTHING as NO_COLLECTOR
from driftline_cli.collectors_table import collectors_table
from driftline_cli.parts_table import NOTHING, parts_table
from driftline_processors.dead_letters import OPEN_COUNT
from driftline_processors.destinations import DESTINATIONS
from driftline_processors.ingest import GROUP
from driftline_processors.judge.accounting import coverage
from driftline_processors.judge.leader import PAUSED
from driftline_processors.judge.ledger import spent
from driftline_processors.matching.unmatched import unmatched
from driftline_processors.reports import alive
from driftline_store.client import connect, store_errors
from driftline_store.collectors import last_hour
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.bus import Bus
    from driftline.settings import Settings
    from driftline_processors.judge.accounting import Coverage
    from driftline_processors.reports import Instance

_COUNTS: Final = {
    "spans stored": "SELECT count() FROM llm_spans",
    "newest span, s ago": "SELECT if(count() > 0, dateDiff('second', max(arrived), now64(3)), NULL) FROM llm_spans",
    "judgements stored": "SELECT count() FROM evaluations WHERE source = 'judge'",
    "feedback stored": "SELECT count() FROM evaluations WHERE source = 'human'",
    "calls without a known price": "SELECT sum(unpriced_calls) FROM llm_rollups WHERE resolution = 'day'",
    "segments, last 30 days": f"SELECT uniqExact({', '.join(DIMENSIONS)}) "
    "FROM llm_rollups WHERE resolution = 'day' AND at >= today() - 30",
    "calls in __other__, last 24 h": "SELECT sumIf(calls, prompt_version = '__other__') FROM llm_rollups "
    "WHERE resolution = 'hour' AND at >= now() - INTERVAL 1 DAY",
    "requests settled": "SELECT countIf(is_first) FROM llm_traces",
    "spans that came late": "SELECT sumIf(spans, NOT is_first) FROM llm_traces",
    "open dead letters": OPEN_COUNT,
}

_VERBS: Final = ("accepted", "rejected")
_ANSWER_SECONDS: Final = 2.0


def show(settings: Settings) -> None:
    """Print what is stored and what waits, the parts that run, and what applications sent.

    Raises:
        DriftlineError: bus or store cannot be reached.
    """
    table = Table("what", "now", box=None)
    client = connect(settings)
    try:
        with store_errors("counting what is stored"):
            for title, query in _COUNTS.items():
                value = client.query(query).result_rows[0][0]
                table.add_row(title, "none yet" if value is None else f"{value:,}")
        feedback = unmatched(client)
        given_up = sum(feedback.given_up.values())
        table.add_row("feedback without its request", f"{feedback.waiting:,} waiting, {given_up:,} given up")
        for one in coverage(client):
            table.add_row(f"judged by {one.evaluator}, last 24 h", _judged(one))
        with store_errors("counting what the judge cost"):
            for name, cost in spent(client).items():
                table.add_row(f"spent by {name}, USD", f"{cost.day:,.4f} today, {cost.month:,.4f} this month")
        instances = alive(client)
        had_alerts = has_worked(client)
        collectors = last_hour(client)
    finally:
        client.close()
    with open_bus(settings.bus_url) as bus:
        for target in DESTINATIONS:
            table.add_row(f"waiting on the bus in {target.topic}", _waiting(bus, target.topic))
    for instance in instances:
        for name, readings in instance.topics.items():
            if paused := readings.get(PAUSED):
                table.add_row(f"{name} pauses", paused.text)
    table.add_row("receiver", _receiver(settings))
    table.add_row("alert rules", _alerts(instances, has_worked=had_alerts))
    console = Console()
    console.print(table)
    console.print()
    console.print(parts_table(instances) if instances else NOTHING)
    console.print()
    console.print(collectors_table(collectors) if collectors else NO_COLLECTOR)


def _judged(one: Coverage) -> str:
    failed = f", {one.failed:,} failed" if one.failed else ""
    return f"{one.judged:,} of {one.sampled:,} sampled{failed}; of {one.eligible:,} requests that did not fail"


def _alerts(instances: Sequence[Instance], *, has_worked: bool) -> str:
    """Who evaluates them, or that nobody does and what helps."""
    if found := missing(instances, has_worked=has_worked):
        return f"{found.what}. {found.do}"
    workers = [one for one in instances if one.part == PART]
    return "; ".join(f"{one.topics['']['rules'].value:,.0f} by {one.host}:{one.pid}" for one in workers)


def _receiver(settings: Settings) -> str:
    """What the receiver of these settings says about itself."""
    address = f"{settings.receiver_host}:{settings.receiver_port}"
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=_ANSWER_SECONDS) as answer:
            health = json.load(answer)
        counted = [f"{number:,} {name} {verb}" for verb in _VERBS for name, number in health[verb].items() if number]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, http.client.HTTPException):
        return f"none answers at {address}"
    return "; ".join(counted) or "nothing received yet"


def _waiting(bus: Bus, topic: str) -> str:
    try:
        return f"{bus.lag(topic, group=GROUP):,} messages"
    except BusError as error:
        return str(error)
