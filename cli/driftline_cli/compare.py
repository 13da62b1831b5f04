"""``driftline compare``: two versions, models, variants or periods against each other."""

from __future__ import annotations

import dataclasses
import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from driftline.errors import DriftlineError
from driftline_alerts.drift.compare_sides import ALPHA, USUAL, Side, compare, first_together
from driftline_cli.compare_text import print_comparison
from driftline_cli.replay import moment
from driftline_store.client import connect
from driftline_store.metrics import check_dimension, closest
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from driftline.settings import Settings
    from driftline_alerts.drift.compare_sides import Compared
    from driftline_store.monitored import Monitored


@dataclass(frozen=True)
class Asked:
    """A side as somebody asked for it.

    Attributes:
        where: dimension -> value, of all that count.
        since: aware; None where it was not said.
        until: aware, exclusive.
    """

    where: Mapping[str, str]
    since: datetime | None
    until: datetime


def run(settings: Settings, a: Asked, b: Asked, names: Sequence[str], *, as_json: bool) -> None:
    """Compare and print.

    Raises:
        DriftlineError: a metric is not one that can be compared, both sides are the same, a time is empty, nothing is
            stored of them, or the store cannot be reached or fails.
    """
    metrics = [_metric(name) for name in dict.fromkeys(names or USUAL)]
    with closing(connect(settings)) as client:
        first, second = sides(a, b, partial(first_together, client))
        found = compare(client, first, second, metrics)
    if not any(one.result.n_a or one.result.n_b for one in found):
        raise DriftlineError(
            f"nothing is stored of {first.name} or of {second.name} in this time; see `driftline status` for what is, "
            "and give an earlier begin with --from"
        )
    if as_json:
        typer.echo(json.dumps(_as_json(first, second, found), indent=2))
    else:
        print_comparison(first, second, found, alpha=ALPHA)


def asked(
    given: Sequence[str],
    common: Mapping[str, str],
    span: tuple[str | None, str | None],
    hours: int | None,
    now: datetime,
) -> Asked:
    """One side, from options such as ``prompt_version=v4``, its begin and end, or so many hours before its end.

    Raises:
        DriftlineError: an option is no dimension and value, or a time cannot be read.
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
    since, until = (datetime.fromtimestamp(moment(at), UTC) if at else None for at in span)
    end = until or now
    return Asked(where, since or (end - timedelta(hours=hours) if hours else None), end)


def sides(
    a: Asked, b: Asked, together: Callable[[Mapping[str, str], Mapping[str, str]], datetime | None]
) -> tuple[Side, Side]:
    """Both with a begin that does not move with the clock, unless the one that was asked for does.

    Args:
        a: the one.
        b: the other.
        together: the first moment from which on both exist, asked for where neither side's times say when to begin.

    Raises:
        DriftlineError: both are the same, or a time is empty.
    """
    found = [Side(one.where, _since(one, other, together), one.until) for one, other in ((a, b), (b, a))]
    first, second = found
    if first == second:
        raise DriftlineError(
            "A and B are the same; give --a and --b different values, such as --a prompt_version=v4 "
            "--b prompt_version=v5, or --a-from and --a-until a time before"
        )
    for one in found:
        if one.since >= one.until:
            raise DriftlineError(f"a period must begin before it ends, but {one.since:%Y-%m-%dT%H:%M} is not before "
                                 f"{one.until:%Y-%m-%dT%H:%M}")  # fmt: skip
    return first, second


def _since(
    one: Asked, other: Asked, together: Callable[[Mapping[str, str], Mapping[str, str]], datetime | None]
) -> datetime:
    """As asked for; else where the other period ends, or begins; else where both first exist."""
    if one.since:
        return one.since
    if other.until < one.until:
        return other.until
    if other.since and other.since < one.until:
        return other.since
    # Of what was never seen there is nothing to count either, whenever that begins.
    return together(one.where, other.where) or one.until - timedelta(hours=1)


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
