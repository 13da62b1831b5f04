"""What the page of the system calls wrong, and what not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from driftline_dashboard.system import findings
from driftline_dashboard.system.system_data import Standing
from driftline_dashboard.system.system_tables import percent, size
from driftline_processors.dead_letters import Group
from driftline_processors.judge.accounting import Coverage
from driftline_processors.judge.ledger import Spent
from driftline_processors.judge.plan import Sampled
from driftline_processors.matching.unmatched import Unmatched
from driftline_processors.prices.unpriced import Unpriced
from driftline_processors.reports import Instance, Reading
from driftline_store import migrate
from driftline_store.collectors import Sent
from driftline_store.sizes import Holding

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SCHEMA = len(migrate.load())
SENT = Sent("shop", "", 1, emitted=10_000, events=0, acknowledged=10_000, dropped=0, queued=0, spooled=0, stored=10_000)
JUDGED = Coverage("quality", sampled=100, judged=95, failed=5, eligible=1000)
BUDGET = Sampled("quality", per_day=Decimal(5))
WELL = Standing(
    sent=(SENT,),
    judged=(JUDGED,),
    evaluators=(BUDGET,),
    spent={"quality": Spent(Decimal(4), Decimal(4))},
    reasons=(),
    letters=(),
    unpriced=(),
    unmatched=Unmatched(3, {}),
    store=Holding((), SCHEMA, 50, 100),
    had_alerts=True,
)


def part(name: str = "ingest", topic: str = "otlp_spans", stored: float = 60, **values: float) -> Instance:
    """A part whose counter of messages grew by ``stored`` in the last minute."""
    readings = {metric: Reading(value, value, "why", {0: value}) for metric, value in values.items()}
    return Instance(name, "host", 1, 1.0, 60.0, {topic: readings | {"messages": Reading(stored, stored, "")}})


WATCHER = part("alert", "")
RUNNING = (part(lag=1000), part("judge", "quality"), WATCHER)


def test_nothing_is_wrong_where_all_is_well() -> None:
    assert findings.findings(RUNNING, WELL) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sent": (replace(SENT, stored=9_985),)}, ("warn", "coverage", "15 of 10,000 spans that shop")),
        ({"sent": (replace(SENT, stored=9_800),)}, ("bad", "coverage", "200 of 10,000")),
        ({"sent": (replace(SENT, dropped=3),)}, ("bad", "dropped", "shop dropped 3")),
        ({"reasons": (Group("t", "e", 7, NOW),)}, ("warn", "letters", "7")),
        ({"judged": (replace(JUDGED, failed=20),)}, ("warn", "judged", "20 judgements of quality failed")),
        ({"spent": {"quality": Spent(Decimal("4.5"), Decimal(9))}}, ("warn", "budget", "quality has spent 90%")),
        ({"spent": {"quality": Spent(Decimal(5), Decimal(9))}}, ("bad", "budget", "5 USD for today are spent")),
        ({"unpriced": (Unpriced("p", "m", 4, NOW),)}, ("warn", "unpriced", "Calls of m have no price")),
        ({"unmatched": Unmatched(0, {"too late": 2})}, ("warn", "coverage", "2")),
        ({"store": Holding((), SCHEMA, 10, 100)}, ("warn", "store", "10% of the store's disk")),
        ({"store": Holding((), SCHEMA, 4, 100)}, ("bad", "store", "4% of the store's disk")),
        ({"store": Holding((), SCHEMA - 1, 50, 100)}, ("bad", "store", f"at version {SCHEMA - 1}")),
        ({"store": Holding((), SCHEMA + 1, 50, 100)}, ("warn", "store", f"at version {SCHEMA + 1}")),
    ],
)
def test_what_needs_somebody_is_found_with_its_number(
    change: dict[str, object], expected: tuple[str, str, str]
) -> None:
    [found] = findings.findings(RUNNING, replace(WELL, **change))  # type: ignore[arg-type]
    level, about, what = expected
    assert (found.level, found.about) == (level, about)
    assert what in found.what
    assert found.do


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        ((), ("bad", "No ingest has reported")),
        ((part("judge", "quality"),), ("bad", "No ingest has reported")),
        ((part(lag=1001),), ("warn", "1,001 messages wait in otlp_spans: 1,001 s at the present rate")),
        ((part(lag=1001, stored=0),), ("bad", "none was stored in the last minute")),
        ((part(last_error=1.0, store_away_seconds=34.0),), ("bad", "has waited for 34 s: why")),
        ((part(paused=1.0),), ("warn", "The evaluator otlp_spans pauses: why")),
    ],
)
def test_what_parts_say_about_themselves_is_judged(running: tuple[Instance, ...], expected: tuple[str, str]) -> None:
    [found] = findings.findings((*running, WATCHER), replace(WELL, judged=()))
    assert found.level == expected[0]
    assert expected[1] in found.what


def test_an_error_that_is_over_is_no_finding() -> None:
    running = (part(last_error=1.0, store_away_seconds=0.0), WATCHER)
    assert findings.findings(running, replace(WELL, judged=())) == []


@pytest.mark.parametrize(
    ("had_alerts", "expected"),
    [(True, ("bad", "No alert worker has reported")), (False, ("warn", "Nobody evaluates the alert rules"))],
)
def test_that_nobody_evaluates_rules_is_grave_where_somebody_did(had_alerts: bool, expected: tuple[str, str]) -> None:
    [found] = findings.findings(RUNNING[:2], replace(WELL, had_alerts=had_alerts))
    assert (found.level, found.about) == (expected[0], "alerts")
    assert expected[1] in found.what
    assert "driftline alert " in found.do


def test_what_an_alert_worker_waits_for_is_no_lag_of_the_bus() -> None:
    waits = part("alert", "rules", last_error=1.0, trouble_seconds=34.0)
    [found] = findings.findings((*RUNNING, waits), WELL)
    assert (found.level, found.about) == ("bad", "alerts")
    assert "alert on host has waited for 34 s: why" in found.what


def test_requests_that_wait_for_a_judge_that_does_not_run_are_found() -> None:
    [found] = findings.findings((part(), WATCHER), replace(WELL, judged=(replace(JUDGED, judged=10, failed=0),)))
    assert "90 requests wait for quality, and no judge runs" in found.what


def test_the_gravest_comes_first() -> None:
    now = replace(WELL, sent=(replace(SENT, stored=9_985),), store=Holding((), SCHEMA, 1, 100))
    assert [found.level for found in findings.findings(RUNNING, now)] == ["bad", "warn"]


@pytest.mark.parametrize(
    ("part_", "whole", "said"), [(0, 0, ""), (1, 1, "100.00%"), (99_999, 100_000, "99.99%"), (2, 1, "200.00%")]
)
def test_a_share_is_never_100_while_anything_is_missing(part_: int, whole: int, said: str) -> None:
    assert percent(part_, whole) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (270_553_174_016, "271 GB"), (5_000e12, "5,000 TB")],
)
def test_bytes_are_written_with_three_digits(count: float, said: str) -> None:
    assert size(count) == said
