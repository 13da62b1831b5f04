"""``driftline monitors``: what drift detection watches, and what it promises of each stream."""

from __future__ import annotations

import dataclasses
import json
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from driftline.errors import DriftlineError
from driftline_alerts.alerts_file import load_tuning
from driftline_alerts.drift import fleet_state
from driftline_alerts.drift.budget import split
from driftline_alerts.drift.contract import Contract, contract
from driftline_alerts.drift.contract_words import NOT_PAGED, STATES, change_of, delay, where
from driftline_alerts.drift.feed import Feed
from driftline_alerts.drift.figures import usual
from driftline_alerts.drift.monitor import FEWEST
from driftline_alerts.drift.snapshots import load
from driftline_alerts.drift.standing import state_of
from driftline_store.client import connect
from driftline_store.metrics import closest
from driftline_store.metrics_format import format_value
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline.settings import Settings
    from driftline_alerts.drift.monitor import Monitor


@dataclass(frozen=True)
class _Row:
    monitor: Monitor
    contract: Contract | None


def show(settings: Settings, metrics: Sequence[str], *, feature: str, most: int, as_json: bool) -> None:
    """Print what is watched, as of the last snapshot.

    Args:
        settings: with the store.
        metrics: only these; empty: all.
        feature: only its streams; '' for all.
        most: streams that are shown at most.
        as_json: for programs.

    Raises:
        DriftlineError: a metric is not watched, or drift detection has not saved anything yet.
        SettingsError: what ``alerts.yaml`` says of drift is wrong.
        StoreError: the store cannot be used.
    """
    for name in metrics:
        if name not in MONITORED:
            raise DriftlineError(f"metric {name!r} is not watched; {closest(name, tuple(MONITORED))}")
    with closing(connect(settings)) as client:
        states = load(client).states
    if "fleet" not in states:
        raise DriftlineError("drift detection has not looked at anything yet; start it with: driftline alert")
    fleet = fleet_state.load(states["fleet"], load_tuning(settings))
    # What is not watched since then has no part of the budget any more.
    watched = [one for one in fleet.monitors.values() if fleet.tuning.of(one.key).watch]
    shares = split(watched, settings.drift_false_pages)
    chosen = [one for one in watched if _is_wanted(one, metrics, feature)]
    chosen.sort(key=lambda one: (-one.per_day, one.key.metric, one.key.segment))
    shown = track(
        chosen[:most], "working out what is promised", console=Console(stderr=True), transient=True, disable=as_json
    )
    rows = [_Row(one, contract(one, shares.get((one.key, one.falls), 0.0))) for one in shown]
    if as_json:
        typer.echo(json.dumps([_as_json(row) for row in rows], indent=2, ensure_ascii=False))
        return
    _print(rows, len(chosen), settings.drift_false_pages)
    if missed := Feed.load(states["feed"]).missed if "feed" in states else 0:
        typer.echo(f"{missed:,} observations were stored too late to be looked at; see the log of driftline alert")


def _is_wanted(monitor: Monitor, metrics: Sequence[str], feature: str) -> bool:
    is_metric = not metrics or monitor.key.metric in metrics
    return is_metric and (not feature or dict(monitor.key.segment).get("feature") == feature)


def _print(rows: Sequence[_Row], there_are: int, budget: float) -> None:
    console = Console(highlight=False, markup=False)
    if not rows:
        console.print("nothing like that is watched")
        return
    table = Table(
        "metric", "where", "state", "a day", "level", "finds", "usually within", "smallest in a week", "wrong at most",
        box=None,
    )  # fmt: skip
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    console.print(
        f"{len(rows)} of {there_are} streams. All of them together page wrongly at most {budget:g} times in 30 days, "
        "as far as their observations are independent of each other; docs/drift.md says what that means."
    )


def _cells(row: _Row) -> list[str]:
    monitor, promised = row.monitor, row.contract
    metric = monitor.rule.definition
    named = f"{monitor.key.metric}{' (falling)' if monitor.falls and monitor.rule.both_ways else ''}"
    cells = [named, where(monitor.key.segment), _state(row), f"{monitor.per_day:,.0f}"]
    if promised is None:
        return [*cells, "", "", "", "", ""]
    kind = monitor.rule.kind
    found = delay(promised.days) if promised.is_paged else NOT_PAGED
    smallest = "none" if promised.smallest is None else change_of(kind, promised.smallest)
    months = 1 / promised.false_a_month
    level = format_value(metric, usual(monitor))
    return [*cells, level, change_of(kind, promised.size), found, smallest, f"once in {months:,.0f} months"]


def _state(row: _Row) -> str:
    monitor = row.monitor
    if not monitor.panel:
        return f"learns, {monitor.raw.total():,} of {FEWEST}"
    return STATES[state_of(monitor, row.contract.false_a_month if row.contract else 0.0)]


def _as_json(row: _Row) -> dict[str, Any]:
    monitor = row.monitor
    return {
        "metric": monitor.key.metric,
        "evaluator": monitor.key.evaluator,
        "instrument": monitor.key.instrument,
        "segment": dict(monitor.key.segment),
        "falls": monitor.falls,
        "state": _state(row),
        "per_day": monitor.per_day,
        "level": usual(monitor) if monitor.panel else None,
        "suspicion_months": monitor.suspicion,
        "contract": dataclasses.asdict(row.contract) if row.contract else None,
    }
