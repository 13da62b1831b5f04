"""``driftline compare``: two versions, models, variants or periods against each other."""

from __future__ import annotations

import dataclasses
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from driftline.errors import DriftlineError
from driftline_alerts.drift.compare_sides import ALPHA, USUAL, Side, compare
from driftline_cli.compare_text import print_comparison
from driftline_cli.replay import moment
from driftline_store.client import connect
from driftline_store.metrics import check_dimension, closest
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from driftline.settings import Settings
    from driftline_alerts.drift.compare_sides import Compared
    from driftline_store.monitored import Monitored


def run(settings: Settings, a: Side, b: Side, names: Sequence[str], *, as_json: bool) -> None:
    """Compare and print.

    Raises:
        DriftlineError: a metric is not one that can be compared, both sides are the same, nothing is stored of them, or
            the store cannot be reached or fails.
    """
    if a == b:
        raise DriftlineError(
            "A and B are the same; give --a and --b different values, such as --a prompt_version=v4 "
            "--b prompt_version=v5, or --a-from and --a-until a time before"
        )
    metrics = [_metric(name) for name in dict.fromkeys(names or USUAL)]
    with closing(connect(settings)) as client:
        found = compare(client, a, b, metrics)
    if not any(one.result.n_a or one.result.n_b for one in found):
        raise DriftlineError(
            f"nothing is stored of {a.name} or of {b.name} in this time; see `driftline status` for what is, and "
            "widen it with --hours"
        )
    if as_json:
        typer.echo(json.dumps(_as_json(a, b, found), indent=2))
    else:
        print_comparison(a, b, found, alpha=ALPHA)


def side(given: Sequence[str], common: Mapping[str, str], since: datetime, until: datetime) -> Side:
    """One side, from options such as ``prompt_version=v4``.

    Raises:
        DriftlineError: an option is no dimension and value, or the time is empty.
    """
    where = dict(common)
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise DriftlineError(f"a side is a dimension and its value, such as prompt_version=v4, but is {one!r}")
        try:
            where[check_dimension(name)] = value
        except ValueError as error:
            raise DriftlineError(str(error)) from None
    if since >= until:
        raise DriftlineError(f"a period must begin before it ends, but {since:%Y-%m-%dT%H:%M} is not before "
                             f"{until:%Y-%m-%dT%H:%M}")  # fmt: skip
    return Side(where, since, until)


def period(since: str | None, until: str | None, hours: int, now: datetime) -> tuple[datetime, datetime]:
    """Begin and end of a side: what was given, and the last ``hours`` before the end.

    Raises:
        DriftlineError: a time cannot be read.
    """
    end = datetime.fromtimestamp(moment(until), UTC) if until else now
    return (datetime.fromtimestamp(moment(since), UTC) if since else end - timedelta(hours=hours)), end


def _metric(name: str) -> Monitored:
    if name not in MONITORED:
        raise DriftlineError(f"metric {name!r} cannot be compared; {closest(name, tuple(MONITORED))}")
    return MONITORED[name]


def _as_json(a: Side, b: Side, found: Sequence[Compared]) -> dict[str, Any]:
    sides = {
        name: {"where": one.where, "since": one.since.isoformat(), "until": one.until.isoformat()}
        for name, one in (("a", a), ("b", b))
    }
    results = [
        {"metric": one.metric.metric, **dataclasses.asdict(one.result), "expected_hours": one.hours} for one in found
    ]
    return {**sides, "metrics": results}
