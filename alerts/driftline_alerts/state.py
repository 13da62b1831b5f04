"""The state of alerts: transitions are appended to the store, the latest of a rule and segment counts.

The store has no compare-and-set. A transition's id is therefore made of the one before it: two writers, or
one writer twice, who act on the same state make the same id, which is the insert's deduplication token. So
each step is taken once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from driftline_alerts.detail import Detail
from driftline_alerts.digest import digest
from driftline_alerts.evaluate import Outcome, Segment, Verdict
from driftline_alerts.rule import DRIFT
from driftline_store.client import store_errors
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.rule import Rule

State = Literal["firing", "resolved"]
Key = tuple[str, Segment]
"""A rule's name and a segment: the identity of an alert."""

COLUMNS: Final = (
    "id",
    "rule",
    "segment",
    "state",
    "at",
    "started",
    "metric",
    "value",
    "threshold",
    "n",
    "detail",
)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Transition:
    """One change of state, as it is stored.

    Attributes:
        id: hash of rule, segment, state and the transition before.
        segment: dimensions and values; empty for everything.
        at: when it was found, aware, to the millisecond.
        started: when it began to fire.
        value: in the metric's unit, at that moment; NaN where there was none.
        threshold: in the metric's unit; for relative rules factor times baseline.
        n: what the value is based on.
        detail: the rest of what a message says.
    """

    id: str
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

    @property
    def key(self) -> Key:
        """Which alert it belongs to."""
        return self.rule, self.segment


def latest(client: Client) -> dict[Key, Transition]:
    """The last transition of every alert there ever was.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    sql = f"SELECT {', '.join(COLUMNS)} FROM alert_transitions ORDER BY at DESC LIMIT 1 BY rule, segment"
    with store_errors("reading the state of alerts"):
        rows = client.query(sql).result_rows
    return {transition.key: transition for transition in map(from_row, rows)}


def decide(
    outcomes: Iterable[Outcome], rules: Iterable[Rule], states: Mapping[Key, Transition], now: datetime
) -> list[Transition]:
    """What changes: a breach begins to fire, a value that is right again resolves, no data changes nothing.

    An alert whose rule is gone, or has other dimensions now, is resolved too: nothing could resolve it later.
    """
    changes = [_change(outcome, states.get((outcome.rule.name, outcome.segment)), now) for outcome in outcomes]
    known = {rule.name: rule for rule in rules}
    orphans = [state for state in states.values() if _is_orphan(state, known)]
    return [change for change in changes if change] + [_withdrawn(orphan, now) for orphan in orphans]


def write(client: Client, transitions: Iterable[Transition]) -> None:
    """Append transitions, each once however often it is written.

    Raises:
        StoreError: the store is away or fails the statement; write them again.
    """
    for transition in transitions:
        with store_errors("writing the state of alerts"):
            client.insert(
                "alert_transitions",
                [_to_row(transition)],
                column_names=COLUMNS,
                settings={"insert_deduplication_token": transition.id, "async_insert": 0},
            )


def _change(outcome: Outcome, before: Transition | None, now: datetime) -> Transition | None:
    firing = before if before and before.state == "firing" else None
    at = _after(before, now)
    if outcome.verdict is Verdict.BREACH and not firing:
        return _transition(outcome, "firing", before, at, at)
    if outcome.verdict is Verdict.OK and firing:
        return _transition(outcome, "resolved", before, at, firing.started)
    return None


def _after(before: Transition | None, now: datetime) -> datetime:
    """Now, in whole milliseconds; but after the transition before, also when the clock was set back."""
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return now if before is None else max(now, before.at + _MILLISECOND)


def _transition(
    outcome: Outcome, state: State, before: Transition | None, at: datetime, started: datetime
) -> Transition:
    rule, reading = outcome.rule, outcome.reading
    assert reading.value is not None  # noqa: S101  else the verdict were NO_DATA
    assert outcome.threshold is not None  # noqa: S101
    return Transition(
        id=_id((rule.name, outcome.segment), state, before),
        rule=rule.name,
        segment=outcome.segment,
        state=state,
        at=at,
        started=started,
        metric=rule.metric,
        value=reading.value,
        threshold=outcome.threshold,
        n=reading.n,
        detail=Detail.of(outcome),
    )


def _withdrawn(orphan: Transition, now: datetime) -> Transition:
    return replace(
        orphan,
        id=_id(orphan.key, "resolved", orphan),
        state="resolved",
        at=_after(orphan, now),
        value=math.nan,
        n=0,
        detail=orphan.detail.withdrawn(),
    )


def _is_orphan(state: Transition, rules: Mapping[str, Rule]) -> bool:
    return state.state == "firing" and not state.rule.startswith(DRIFT) and not _belongs(state, rules)


def _belongs(state: Transition, rules: Mapping[str, Rule]) -> bool:
    rule = rules.get(state.rule)
    if rule is None or rule.metric != state.metric:
        return False
    segment = dict(state.segment)
    return tuple(segment) == rule.dimensions and all(segment[name] == rule.where[name] for name in rule.where)


def _id(key: Key, state: State, before: Transition | None) -> str:
    return digest(key[0], key[1], state, before.id if before else "")


def _to_row(transition: Transition) -> list[Any]:
    values = {name: getattr(transition, name) for name in COLUMNS}
    values |= {"segment": dict(transition.segment), "detail": transition.detail.model_dump_json()}
    return list(values.values())


def from_row(row: Sequence[Any]) -> Transition:
    """A transition from a row with the columns ``COLUMNS``."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["segment"] = tuple((name, values["segment"][name]) for name in DIMENSIONS if name in values["segment"])
    values["detail"] = Detail.parse(values["detail"])
    return Transition(**values)
