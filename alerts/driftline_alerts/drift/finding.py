"""What people are told of an incident, complete: stored as JSON, and put into words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict

from driftline_alerts.digest import digest
from driftline_alerts.drift.stream import VOLUMES
from driftline_alerts.plain import briefly, place
from driftline_store.client import store_errors
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client


Kind = Literal["opened", "joined", "grown", "recovered", "gone", "accepted"]
Blame = Literal["system", "judge", "unknown", ""]

OVER: Final = frozenset({"recovered", "gone", "accepted"})
"""Kinds that end an incident."""

Pairs = tuple[tuple[str, str], ...]

_COLUMNS: Final = ("id", "incident", "at", "kind", "metric", "segment", "body")
_MANY: Final = 1e6
"""Months beyond which a figure says no more than that it is not by chance."""

_BLAMES: Final = {
    "system": "The judge scores its anchors as before, so it is the answers that changed.",
    "judge": "The judge scores its anchors differently too: it is the judge that changed, not the answers.",
    "unknown": "Whether the answers or the judge changed is not known: there are too few judged anchors.",
    "": "",
}


class Pointer(BaseModel):
    """Where one of the worst examples stands; what was said in it is kept with the spans, and no longer than they are.

    Attributes:
        value: in the metric's unit; None where it is a yes or no.
    """

    model_config = ConfigDict(frozen=True)

    trace_id: str
    span_id: str
    at: datetime
    value: float | None


class Finding(BaseModel):
    """One message about an incident.

    Attributes:
        incident: id of what belongs together.
        at: when it was found.
        segment: where; ``place`` is where the incident was first found to be, and ``about`` in which metric.
        joins: metrics of the incident that people were told of before.
        falls: whether the metric fell.
        before: level before, in the metric's unit.
        after: since the change; ``low`` and ``high`` are the ends of its 95 % interval, None once it is over.
        n: observations since the change began.
        started: most likely; ``earliest`` and ``latest`` are the ends of its interval.
        once_in_months: what is this strong comes by chance once in so many months in all streams together, or more
            seldom.
        moved: finest segments that moved.
        unaffected: those that did not.
        common: values that all that moved has, and nothing that is known to have stayed.
        is_mix: whether only the shares of finer segments moved.
        blame: of a change in judged quality.
        touched: requests, sessions and users since it began.
        changed: events at that time, and shares that moved, in words.
    """

    model_config = ConfigDict(frozen=True)

    incident: str
    at: datetime
    kind: Kind
    metric: str
    instrument: str = ""
    evaluator: str = ""
    segment: Pairs
    place: Pairs
    about: str
    joins: tuple[str, ...] = ()
    falls: bool
    before: float
    after: float
    low: float | None = None
    high: float | None = None
    n: int
    started: datetime
    earliest: datetime
    latest: datetime
    once_in_months: float = 0.0
    moved: tuple[Pairs, ...] = ()
    unaffected: tuple[Pairs, ...] = ()
    common: Pairs = ()
    is_mix: bool = False
    blame: Blame = ""
    touched: tuple[int, int, int] = (0, 0, 0)
    changed: tuple[str, ...] = ()
    examples: tuple[Pointer, ...] = ()

    @property
    def id(self) -> str:
        """The same if it is told again after a crash."""
        return digest(self.incident, self.kind, self.metric, self.segment, f"{self.at:%Y-%m-%d %H:%M:%S}")

    @property
    def headline(self) -> str:
        """What changed, where, by how much."""
        metric = METRICS[self.metric]
        before, after = format_value(metric, self.before), format_value(metric, self.after)
        if self.metric in VOLUMES and self.kind == "recovered":
            return f"{metric.title} of {briefly(self.segment)} come as usual again"
        if self.metric in VOLUMES:
            after += " a minute"
        if self.kind == "recovered":
            return f"{metric.title} of {briefly(self.segment)} is back: it was {before}, and is {after} now"
        if self.kind == "gone":
            silence = "week" if self.metric in VOLUMES else "day"
            return f"{metric.title} of {briefly(self.segment)}: nothing has come for a {silence}, so this is over"
        if self.kind == "accepted":
            return f"{metric.title} of {briefly(self.segment)}: {after} is the new normal"
        verb = "fell" if self.after < self.before else "rose"
        return f"{metric.title} of {briefly(self.segment)} {verb} from {before} to {after}{self._within}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """The rest of it."""
        interval = f" ({self._between})" if self._between else ""
        since = f"Since about {_clock(self.started)}{interval}; {self.n:,} {METRICS[self.metric].n_label} since then."
        said = [
            "" if self.kind in OVER else since,
            f"As strong by chance at most {self.chance}." if self.once_in_months else "",
            *self.remarks,
            f"Touched: {self.reach}." if self.reach else "",
            f"At that time: {self.changes}." if self.changed else "",
        ]
        return tuple(one for one in said if one)

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Its figures, by what they are called."""
        metric = METRICS[self.metric]
        before, after = format_value(metric, self.before), format_value(metric, self.after)
        if self.kind in OVER:
            return (("Level", f"{before} \u2192 {after}"),)
        told = [
            ("Level", f"{before} \u2192 {after}{self._within}"),
            ("Began between", self._between),
            ("Based on", f"{self.n:,} {metric.n_label} since then"),
            ("As strong by chance", f"at most {self.chance}" if self.once_in_months else ""),
            ("Touched", self.reach),
            ("At that time", self.changes),
        ]
        return tuple((name, text) for name, text in told if text)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is known of where it is, and whose it is."""
        said = [
            "Only the mix of what it is made of moved: none of its parts did." if self.is_mix else "",
            f"Not affected: {_list(self.unaffected, self.segment)}." if self.unaffected and self.moved else "",
            f"All that moved has {place(self.common)}, and nothing that stayed as it was has." if self.common else "",
            _BLAMES[self.blame],
        ]
        return tuple(one for one in said if one)

    @property
    def chance(self) -> str:
        """How often it comes by chance."""
        return f"once in {_months(self.once_in_months)}"

    @property
    def reach(self) -> str:
        """Whom it touched; '' for nobody known."""
        requests, sessions, users = self.touched
        return f"{requests:,} requests, {sessions:,} sessions, {users:,} users" if requests else ""

    @property
    def changes(self) -> str:
        """What else changed at that time."""
        return "; ".join(self.changed)

    @property
    def _between(self) -> str:
        """The interval of its begin; '' where both ends read the same."""
        first, last = _clock(self.earliest), _clock(self.latest)
        return f"{first} to {last}" if first != last else ""

    @property
    def _within(self) -> str:
        if self.low is None or self.high is None:
            return ""
        metric = METRICS[self.metric]
        return f" ({format_value(metric, self.low)} to {format_value(metric, self.high)})"


def write(client: Client, finding: Finding) -> None:
    """Store a finding; again is the same as once.

    Raises:
        StoreError: the store is away or fails the insert; write it again.
    """
    row = [
        finding.id, finding.incident, finding.at, finding.kind, finding.metric, dict(finding.segment),
        finding.model_dump_json(),
    ]  # fmt: skip
    with store_errors("storing a finding"):
        client.insert(
            "drift_findings",
            [row],
            column_names=list(_COLUMNS),
            settings={"insert_deduplication_token": finding.id, "async_insert": 0},
        )


def findings(client: Client, since: datetime) -> list[Finding]:
    """Those found since a moment, oldest first.

    Raises:
        StoreError: the store is away or fails the query.
    """
    sql = "SELECT body FROM drift_findings WHERE at >= toDateTime64({since:Float64}, 3, 'UTC')"
    with store_errors("reading findings"):
        rows = client.query(sql, parameters={"since": since.timestamp()}).result_rows
    return in_order(Finding.model_validate_json(row[0]) for row in rows)


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """Oldest first; what was found in one step has one moment, and an incident is over after all else."""
    return sorted(found, key=lambda one: (one.at, one.kind in OVER, one.kind != "opened", one.id))


def moment(at: float) -> datetime:
    """A Unix time, aware, to the millisecond."""
    return datetime.fromtimestamp(round(at, 3), UTC)


def _months(months: float) -> str:
    return f"{months:,.0f} months" if months < _MANY else f"more than {_MANY:,.0f} months"


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _list(segments: tuple[Pairs, ...], within: Pairs) -> str:
    told = [place(tuple(pair for pair in one if pair not in within)) for one in segments[:3]]
    more = len(segments) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")
