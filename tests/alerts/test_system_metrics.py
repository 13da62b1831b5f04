"""Metrics of Driftline itself, from what its parts leave in the real store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alert_support import MINUTE, rule
from driftline_alerts.alerts_file import default_rules
from driftline_alerts.evaluate import Verdict, evaluate
from driftline_alerts.system_metrics import SYSTEM, query_system
from driftline_store.metrics import METRICS

if TYPE_CHECKING:
    from driftline_store.client import Client

_SECOND = timedelta(seconds=1)
NOW = datetime.now(UTC).replace(microsecond=0)
"""Reports are kept for a week, so they cannot be of a time that stands still."""


def put(client: Client, table: str, *rows: dict[str, Any]) -> None:
    names = list(rows[0])
    client.insert(table, [[row[name] for name in names] for row in rows], column_names=names)


def read(client: Client) -> dict[str, tuple[float | None, int]]:
    found = query_system(client, SYSTEM, since=NOW - 15 * MINUTE, until=NOW)
    assert all(reading.window == (NOW - 15 * MINUTE, NOW) for reading in found.values())
    return {name: (reading.value, reading.n) for name, reading in found.items()}


@pytest.fixture
def client(client: Client) -> Client:
    for table in ("dead_letters", "part_reports", "collector_reports", "judge_plan", "evaluations"):
        client.command(f"TRUNCATE TABLE {table}")
    return client


def test_what_nobody_reports_is_no_data(client: Client) -> None:
    assert read(client) == {"dead_letters": (0, 1)} | {name: (None, 0) for name in SYSTEM if name != "dead_letters"}


def test_what_the_parts_leave_is_read(client: Client) -> None:
    put(client, "dead_letters", *({"topic": "t", "partition": 0, "offset": n, "error": "x"} for n in range(3)))
    report = {"part": "ingest", "instance": "i", "topic": "otlp_spans", "metric": "lag", "partition": 0, "value": 0.0}
    put(
        client, "part_reports",
        report | {"at": NOW - 60 * _SECOND, "partition": 2, "value": 500.0},  # too old: nobody has it now
        report | {"at": NOW - 20 * _SECOND, "value": 90.0},
        report | {"at": NOW - 5 * _SECOND, "value": 40.0, "instance": "j"},
        report | {"at": NOW - 9 * _SECOND, "partition": 1, "value": 2.0},
        report | {"at": NOW - 9 * _SECOND, "part": "judge", "metric": "judged", "topic": ""},
        report | {"at": NOW - 9 * _SECOND, "part": "judge", "metric": "paused", "topic": "quality"},
        report | {"at": NOW - 9 * _SECOND, "part": "judge", "metric": "paused", "topic": "quality", "instance": "j"},
    )  # fmt: skip
    told = {"service": "shop", "instance": "old", "started": NOW - timedelta(hours=5)}
    put(
        client, "collector_reports",
        *(told | {"at": NOW - ago * MINUTE, "arrived": NOW - ago * MINUTE, "dropped": dropped, "instance": instance}
          for instance, ago, dropped in (
              ("old", 20, 7), ("old", 9, 8), ("old", 1, 10), ("new", 2, 5), ("gone", 30, 99),
          )),
    )  # fmt: skip
    put(
        client, "judge_plan",
        {"evaluator": "quality", "per_day": 10, "per_month": 1000, "active": True},
        {"evaluator": "tone", "per_day": None, "per_month": None, "active": True},
        {"evaluator": "was", "per_day": 1, "per_month": None, "active": False},
    )  # fmt: skip
    put(
        client, "evaluations",
        *({"trace_id": f"{n}", "name": name, "source": "judge", "score": 1.0, "cost": cost, "at": at,
           "request_start": at}
          for n, (name, cost, at) in enumerate((
              ("quality", 4, NOW - _SECOND), ("quality", 90, NOW - timedelta(days=1)), ("was", 5, NOW - _SECOND),
          ))),
    )  # fmt: skip
    assert read(client) == {
        "dead_letters": (3, 1), "ingest_lag": (42, 2), "ingest_silence": (5, 4), "dropped": (8, 2),
        "judge_budget": (0.4, 1), "judge_paused": (1, 3),
    }  # fmt: skip
    lags = rule(metric="ingest_lag", above=41)
    dead = rule(metric="dead_letters", above=5)
    assert [outcome.verdict for outcome in evaluate(client, [lags, dead], NOW)] == [Verdict.BREACH, Verdict.OK]


def test_an_ingest_that_dies_is_noticed_and_one_that_nobody_started_is_not(client: Client) -> None:
    (silent,) = (one for one in default_rules() if one.name == "ingest silent")
    report = {"part": "ingest", "instance": "i", "topic": "", "metric": "lag", "partition": 0, "value": 0.0}

    def verdict() -> Verdict:
        (outcome,) = evaluate(client, [silent], NOW)
        return outcome.verdict

    assert verdict() is Verdict.NO_DATA
    put(client, "part_reports", report | {"at": NOW - timedelta(days=2)})
    assert verdict() is Verdict.NO_DATA
    put(client, "part_reports", report | {"at": NOW - timedelta(hours=20)})
    assert verdict() is Verdict.BREACH
    put(client, "part_reports", report | {"at": NOW - 20 * _SECOND, "instance": "j"})
    assert verdict() is Verdict.OK


def test_no_name_is_that_of_another_metric_too() -> None:
    assert not set(SYSTEM) & set(METRICS)
