"""What is wrong with Driftline itself, how gravely, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from driftline_alerts import reporting
from driftline_processors.judge.leader import PAUSED
from driftline_processors.judge.ledger import NOTHING, exhausted
from driftline_processors.reports import ALIVE_SECONDS
from driftline_store import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from decimal import Decimal

    from driftline_dashboard.system.system_data import Standing
    from driftline_processors.reports import Instance

Level = Literal["bad", "warn"]
About = Literal["lag", "coverage", "dropped", "letters", "judged", "budget", "unpriced", "store", "alerts"]

LAGS: Final = 1000
"""Messages on the bus, as in the shipped rule "ingest lags"."""
_SPENT: Final = 0.9
"""Share of a budget, as in the shipped rule "judge budget"."""
_WHOLE: Final = 0.999
"""Coverage below which something is missing that is no longer on its way; below ``_GRAVE`` it is grave."""
_GRAVE: Final = 0.99
_FAILED: Final = 0.1
"""Share of judgements without a score from which on the judge, or its endpoint, needs a look."""
_ROOM: Final = {"bad": 0.05, "warn": 0.15}
"""Share of the disk that is left. Below about a tenth the engine has no room to merge its largest parts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that needs somebody.

    Attributes:
        about: the number on the page that it belongs to; alerts have none.
        what: is wrong.
        do: what helps.
    """

    level: Level
    about: About
    what: str
    do: str


def findings(running: Sequence[Instance], now: Standing) -> list[Finding]:
    """Everything that is wrong, the gravest first; of equal ones in the order of the data's way."""
    found = [finding for look in _LOOKS for finding in look(running, now)]
    return sorted(found, key=lambda finding: finding.level != "bad")


def waiting(running: Sequence[Instance]) -> dict[str, dict[int, float]]:
    """Messages on the bus that are not stored, by topic and partition, as who owns them says."""
    found: dict[str, dict[int, float]] = {}
    for instance in running:
        for topic, readings in instance.topics.items():
            if "lag" in readings:
                found.setdefault(topic, {}).update(readings["lag"].partitions)
    return found


def _parts(running: Sequence[Instance], _: Standing) -> Iterator[Finding]:
    if not any(instance.part == "ingest" for instance in running):
        yield Finding(
            "bad", "lag", f"No ingest has reported in the last {ALIVE_SECONDS} s, so nothing new is stored",
            "Start it: driftline up, or driftline ingest with the same bus and store. Records wait on the bus.",
        )  # fmt: skip
    for instance in running:
        for topic in instance.topics:
            trouble = instance.trouble(topic)
            if trouble is not None and trouble.lasts:
                yield Finding(
                    "bad", "alerts" if instance.part == reporting.PART else "lag",
                    f"{instance.part} on {instance.host} has waited for {trouble.lasts:.0f} s: {trouble.text}",
                    "It goes on by itself when what the sentence names is back.",
                )  # fmt: skip


def _alerts(running: Sequence[Instance], now: Standing) -> Iterator[Finding]:
    if found := reporting.missing(running, has_worked=now.had_alerts):
        yield Finding("bad" if found.is_grave else "warn", "alerts", found.what, found.do)


def _lag(running: Sequence[Instance], _: Standing) -> Iterator[Finding]:
    for topic, partitions in waiting(running).items():
        total = sum(partitions.values())
        rate = sum(instance.rate(topic, "messages") or 0 for instance in running)
        if total > LAGS and not rate:
            yield Finding(
                "bad", "lag", f"{total:,.0f} messages wait in {topic}, and none was stored in the last minute",
                "Look at the last error of ingest below and at its log.",
            )  # fmt: skip
        elif total > LAGS:
            yield Finding(
                "warn", "lag", f"{total:,.0f} messages wait in {topic}: {total / rate:,.0f} s at the present rate",
                "If it grows, start one more driftline ingest; more of them than partitions do not help.",
            )  # fmt: skip


def _coverage(_: Sequence[Instance], now: Standing) -> Iterator[Finding]:
    for one in now.sent:
        if one.coverage is not None and one.coverage < _WHOLE:
            missing = one.emitted - one.stored
            yield Finding(
                "bad" if one.coverage < _GRAVE else "warn", "coverage",
                f"{missing:,} of {one.emitted:,} spans that {one.service or 'an application'} sent in the last hour "
                "are not stored",
                "Those that wait in memory, on its disk or on the bus will come. Others became dead letters, or the "
                "bus deleted them before ingest came to them.",
            )  # fmt: skip


def _dropped(_: Sequence[Instance], now: Standing) -> Iterator[Finding]:
    for one in now.sent:
        if one.dropped:
            yield Finding(
                "bad", "dropped", f"{one.service or 'An application'} dropped {one.dropped:,} spans and events",
                "Its memory and its disk for them were full: bring its bus back, or give it more with queue_mb and "
                "spool_mb.",
            )  # fmt: skip


def _letters(_: Sequence[Instance], now: Standing) -> Iterator[Finding]:
    if now.reasons:
        count = sum(group.count for group in now.reasons)
        yield Finding(
            "warn", "letters", f"Messages that could not be stored: {count:,}",
            "Look at one below, mend its sender, then send them again or discard them: driftline dead-letters resend "
            "--all, or discard --all.",
        )  # fmt: skip


def _judge(running: Sequence[Instance], now: Standing) -> Iterator[Finding]:
    for instance in running:
        for name, readings in instance.topics.items():
            if paused := readings.get(PAUSED):
                yield Finding(
                    "warn", "judged", f"The evaluator {name} pauses: {paused.text}",
                    "What was chosen meanwhile is judged when it goes on, for a week.",
                )  # fmt: skip
    runs = any(instance.part == "judge" for instance in running)
    for one in now.judged:
        left = one.sampled - one.judged - one.failed
        if left > 0 and not runs:
            yield Finding(
                "warn", "judged", f"{left:,} requests wait for {one.evaluator}, and no judge runs",
                "Give it an endpoint (judge_api_key, judge_base_url) and start it: driftline up, or driftline judge.",
            )  # fmt: skip
        if one.failed > _FAILED * (one.judged + one.failed):
            yield Finding(
                "warn", "judged", f"{one.failed:,} judgements of {one.evaluator} failed in the last 24 h",
                "driftline judge why with the id of a trace tells the reason.",
            )  # fmt: skip


def _budget(_: Sequence[Instance], now: Standing) -> Iterator[Finding]:
    for one in now.evaluators:
        so_far = now.spent.get(one.name, NOTHING)
        if reason := exhausted(one.per_day, one.per_month, so_far):
            yield Finding("bad", "budget", f"{one.name}: {reason}", "Raise its budget in evaluators.yaml, or wait.")
        elif max(share(so_far.day, one.per_day), share(so_far.month, one.per_month)) >= _SPENT:
            yield Finding(
                "warn", "budget", f"{one.name} has spent {_SPENT:.0%} of a budget",
                "It pauses when that is used up: raise it in evaluators.yaml, or lower its rate.",
            )  # fmt: skip


def _unpriced(_: Sequence[Instance], now: Standing) -> Iterator[Finding]:
    if now.unpriced:
        names = ", ".join(one.model for one in now.unpriced[:3]) + (" and others" if len(now.unpriced) > 3 else "")
        yield Finding(
            "warn", "unpriced", f"Calls of {names} have no price, so costs are too low",
            "Write it into your price file (prices_file); these calls are then priced as well.",
        )  # fmt: skip


def _unmatched(_: Sequence[Instance], now: Standing) -> Iterator[Finding]:
    if given_up := sum(now.unmatched.given_up.values()):
        yield Finding(
            "warn", "coverage", f"Feedback that never found the request that it names: {given_up:,}",
            "See that the application gives feedback() the id of a request that it recorded, within match_days.",
        )  # fmt: skip


def _store(_: Sequence[Instance], now: Standing) -> Iterator[Finding]:
    known, there = len(migrate.load()), now.store.schema
    if there != known:
        yield Finding(
            "bad" if there < known else "warn", "store",
            f"The store's schema is at version {there}, this dashboard's at {known}",
            "Start ingest of this version, which brings the store up to it." if there < known
            else "Bring the dashboard to the version of Driftline that ingest has.",
        )  # fmt: skip
    left = now.store.free / now.store.space if now.store.space else 1.0
    level: Level = "bad" if left < _ROOM["bad"] else "warn"
    if left < _ROOM["warn"]:
        yield Finding(
            level, "store", f"{left:.0%} of the store's disk is left",
            "Make room, give it a larger disk, or keep less: keep_content_days, keep_spans_days.",
        )  # fmt: skip


def share(spent: Decimal, limit: Decimal | None) -> float:
    """Of a budget that is spent; 0 without one."""
    return float(spent / limit) if limit else 0.0


_LOOKS: Final[tuple[Callable[[Sequence[Instance], Standing], Iterator[Finding]], ...]] = (
    _parts, _alerts, _lag, _coverage, _dropped, _letters, _judge, _budget, _unpriced, _unmatched, _store
)  # fmt: skip
