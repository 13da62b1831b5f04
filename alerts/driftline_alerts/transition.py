"""Steps of alerts as they are stored: appended, and the latest of a rule and segment is its state.

The store has no compare-and-set. A step's id is therefore made of the one before it: two writers, or one
writer twice, who act on the same state make the same id, which is the insert's deduplication token. So
each step is taken once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from driftline_alerts.detail import Detail
from driftline_alerts.digest import digest
from driftline_alerts.evaluate import Segment
from driftline_alerts.rule import SEVERITIES
from driftline_store.client import store_errors
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse_connect.driver.client import Client

State = Literal["pending", "calm", "firing", "acknowledged", "recovering", "resolved"]
"""``pending``: wrong, but not for long enough yet; ``calm``: it did not come to more. ``recovering``: right again, but
not for long enough yet."""
Key = tuple[str, Segment]
"""A rule's name and a segment: the identity of an alert."""

OPEN: Final = frozenset({"firing", "acknowledged", "recovering"})
"""States in which people have been told that something is wrong, and not yet that it is over."""
OURSELVES: Final = "driftline"
"""Who takes the steps that nobody asked for."""

REMEMBERED: Final = timedelta(hours=6)
"""How long it counts that an alert was over, for damping."""

_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Transition:
    """One change of state.

    Attributes:
        id: hash of rule, segment, state and the step before.
        incident: what belongs together, in one message or thread.
        segment: dimensions and values; empty for everything.
        at: when it was found, aware, to the millisecond.
        started: since when something is wrong.
        value: in the metric's unit, at that moment; NaN where there was none.
        threshold: in the metric's unit; for relative rules factor times baseline.
        n: what the value is based on.
        detail: the rest of what a message says.
        actor: who did it.
        why: in words; '' where the figures say it.
        is_news: whether people are told.
    """

    id: str
    incident: str
    rule: str
    segment: Segment
    state: State
    at: datetime
    started: datetime
    metric: str
    value: float
    threshold: float
    n: int
    detail: Detail
    actor: str = OURSELVES
    why: str = ""
    is_news: bool = True

    @property
    def key(self) -> Key:
        """Which alert it belongs to."""
        return self.rule, self.segment

    @property
    def gravity(self) -> int:
        """Its severity, as a place in ``SEVERITIES``."""
        return SEVERITIES.index(self.detail.severity)

    def next(self, state: State, now: datetime, **changed: Any) -> Self:
        """The step after this one."""
        told: dict[str, Any] = {"actor": OURSELVES, "why": "", "is_news": True} | changed
        return replace(self, id=step_id(self.key, state, self), state=state, at=after(self, now), **told)


COLUMNS: Final = tuple(Transition.__dataclass_fields__)


@dataclass(frozen=True)
class Known:
    """What is known of an alert.

    Attributes:
        last: its latest step.
        ended: when it was over, of the last ``REMEMBERED`` at least, oldest first.
    """

    last: Transition
    ended: tuple[datetime, ...] = ()

    def followed_by(self, step: Transition) -> Self:
        """The same once a step is taken."""
        return replace(self, last=step, ended=(*self.ended, step.at) if step.state == "resolved" else self.ended)

    def times_over(self, now: datetime) -> int:
        """How often it was over in the last ``REMEMBERED``."""
        return sum(1 for at in self.ended if now - at < REMEMBERED)


def take(known: dict[Key, Known], step: Transition) -> None:
    """Note that a step was taken."""
    before = known.get(step.key)
    known[step.key] = (before or Known(step)).followed_by(step)


def latest(client: Client, now: datetime) -> dict[Key, Known]:
    """What is known of every alert there ever was.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    names = ", ".join(COLUMNS)
    ended = (
        "SELECT rule, segment, arraySort(groupArray(at)) AS times FROM alert_transitions WHERE state = 'resolved' "
        "AND at > toDateTime64({since:Float64}, 3, 'UTC') GROUP BY rule, segment"
    )
    # Details are long: only those of the latest are read.
    sql = (
        f"SELECT {names}, times FROM (SELECT {names} FROM alert_transitions WHERE (rule, at) IN "
        "(SELECT rule, max(at) FROM alert_transitions GROUP BY rule, segment) "
        f"ORDER BY at DESC LIMIT 1 BY rule, segment) AS t LEFT JOIN ({ended}) AS f USING (rule, segment)"
    )
    with store_errors("reading the state of alerts"):
        parameters = {"since": (now - REMEMBERED).timestamp()}
        rows = client.query(sql, parameters=parameters, settings={"join_use_nulls": 0}).result_rows
    known = (Known(from_row(row[:-1]), tuple(row[-1])) for row in rows)
    return {one.last.key: one for one in known}


def write(client: Client, transitions: Iterable[Transition]) -> None:
    """Append steps as one insert, once however often it is written.

    Two writers who take some of the same steps, and others, store these twice: readers take one of each id.

    Raises:
        StoreError: the store is away or fails the statement; write them again.
    """
    steps = {one.id: one for one in transitions}
    if not steps:
        return
    token = next(iter(steps)) if len(steps) == 1 else digest(*steps)
    with store_errors("writing the state of alerts"):
        client.insert(
            "alert_transitions",
            [_to_row(one) for one in steps.values()],
            column_names=COLUMNS,
            settings={"insert_deduplication_token": token, "async_insert": 0},
        )


def step_id(key: Key, state: State, before: Transition | None) -> str:
    """Id of the step that an alert takes from the one before."""
    return digest(key[0], key[1], state, before.id if before else "")


def after(before: Transition | None, now: datetime) -> datetime:
    """Now, in whole milliseconds; but after the step before, also when the clock was set back."""
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return now if before is None else max(now, before.at + _MILLISECOND)


def from_row(row: Sequence[Any]) -> Transition:
    """A step from a row with the columns ``COLUMNS``."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["segment"] = tuple((name, values["segment"][name]) for name in DIMENSIONS if name in values["segment"])
    values["detail"] = Detail.parse(values["detail"])
    # Before incidents were stored, each alert was one.
    values["incident"] = values["incident"] or digest(values["rule"], values["segment"], str(values["started"]))
    return Transition(**values)


def _to_row(transition: Transition) -> list[Any]:
    values = {name: getattr(transition, name) for name in COLUMNS}
    values |= {"segment": dict(transition.segment), "detail": transition.detail.model_dump_json()}
    return list(values.values())
