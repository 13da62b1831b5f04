"""The alert worker: evaluates the rules, looks for drift and writes what changes, as long as it leads."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Self, TypeVar

from driftline_alerts.actions import said
from driftline_alerts.buttons import listening
from driftline_alerts.containing import Containing
from driftline_alerts.delivery import Delivery
from driftline_alerts.drift.detection import Detection
from driftline_alerts.drift.record import Record
from driftline_alerts.drift.telling import end_unknown
from driftline_alerts.drift.tuning import Tuning
from driftline_alerts.errands import Errand, Errands
from driftline_alerts.evaluate import evaluate
from driftline_alerts.guard_file import GuardFile
from driftline_alerts.in_force import InForce
from driftline_alerts.lead import Candidate, Lead
from driftline_alerts.notifiers import dashboard_url, notifiers
from driftline_alerts.plain import place
from driftline_alerts.reporting import PART, Counts, samples
from driftline_alerts.review import review
from driftline_alerts.state import acknowledged, decide
from driftline_alerts.transition import Transition, latest, take, write
from driftline_alerts.trouble import Trouble
from driftline_processors.reports import Reporter
from driftline_store.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings
    from driftline_alerts.alerts_file import AlertsFile
    from driftline_alerts.review_rule import ReviewRule
    from driftline_alerts.rule import Rule

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LOOK_SECONDS: Final = 1.0
"""How often the main loop looks what is due, at least."""
_ACTIONS: Final = timedelta(days=7)
"""How long ago somebody may have acknowledged an incident while no worker ran."""


def run(settings: Settings, stop: threading.Event) -> None:
    """Evaluate the rules every ``alert_seconds`` until ``stop`` is set.

    What is away, bus or store, is waited for. Of several workers on one bus only one acts; one that
    hangs gives way to the next. Changed rules are in force within seconds.

    Raises:
        SettingsError: the rules or an address are wrong.
    """
    rules, lead = InForce(settings), Lead()
    with Candidate(settings.bus_url, lead) as candidate:
        while not stop.is_set():
            _follow(settings, rules, lead, candidate, stop)


def _follow(settings: Settings, rules: InForce, lead: Lead, candidate: Candidate, stop: threading.Event) -> None:
    """Work by the rules as they are, until they change."""
    file = rules.file
    channels = notifiers(settings, file.channels)
    names = ", ".join(channel.channel for channel in channels) or "nobody (no channel is configured: docs/channels.md)"
    logger.info("%d alert rules, every %g s; telling %s", len(file.rules), settings.alert_seconds, names)
    trouble, ended = Trouble(), threading.Event()
    delivery = Delivery(channels, file.routes, dashboard_url(settings), ended, lead.is_held)
    containing = Containing(file.containment, GuardFile(settings.guard_path))
    todo = [*delivery.errands(), *containing.errands()]
    if file.review:
        todo.append(Errand("review", partial(_review, file.review)))
    with (
        Errands(settings, todo, lead, trouble, ended) as errands,
        listening(settings, file.channels.values()),
        _Worker(settings, file, trouble) as worker,
        Reporter(PART, settings, partial(samples, len(file.rules), worker.counts, lead, trouble, candidate.trouble)),
    ):
        losses, due = lead.losses, time.monotonic()

        def may_act() -> bool:
            candidate.beat()
            return lead.is_held() and lead.losses == losses and not stop.is_set()

        while not stop.is_set() and not worker.tried("rules' file", rules.has_changed):
            if not may_act():
                losses = lead.losses
                worker.stand_by()
            elif time.monotonic() >= due:
                due = time.monotonic() + settings.alert_seconds
                for part in worker.round(may_act):
                    part()
                    if not may_act():
                        break
                    errands.wake()
            stop.wait(min(_LOOK_SECONDS, settings.alert_seconds))


def step(
    client: Client,
    rules: Sequence[Rule],
    now: datetime,
    pause: timedelta = timedelta(0),
    may_act: Callable[[], bool] = lambda: True,
) -> list[Transition]:
    """Evaluate all rules once, and write what changes by itself or as somebody wants it.

    Args:
        client: of the store.
        rules: in force.
        now: aware.
        pause: between two looks, as a rule.
        may_act: is asked before anything is written, as to read takes its time.

    Returns:
        What was written.

    Raises:
        StoreError: the store is away or fails a statement; repeat it, nothing is written twice.
    """
    outcomes = evaluate(client, rules, now)
    if not may_act():
        return []
    known = latest(client, now)
    changes = acknowledged(said(client, now - _ACTIONS), known, now)
    for change in changes:
        take(known, change)
    changes += decide(outcomes, rules, known, now, pause)
    write(client, changes)
    for change in changes:
        logger.info(
            "%s: %s (%s), %s %g of %d",
            change.state,
            change.rule,
            place(change.segment),
            change.metric,
            change.value,
            change.n,
        )
    return changes


def _review(rules: Sequence[ReviewRule], client: Client) -> None:
    review(client, rules, datetime.now(UTC))


class _Worker:
    """Holds the store's client over the rounds, and what drift detection knows."""

    def __init__(self, settings: Settings, file: AlertsFile, trouble: Trouble) -> None:
        self._settings = settings
        self._file = file
        self._trouble = trouble
        self._client: Client | None = None
        self._detection: Detection | None = None
        self._record = Record()
        self._has_ended = False
        self.counts = Counts()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tried("drift", self._save)
        self._disconnect()

    def tried(self, what: str, action: Callable[[], T]) -> T | None:
        """Do something; what fails is told once."""
        return self._trouble.tried(what, action, self._failed)

    def stand_by(self) -> None:
        """Forget what drift detection knew: another worker goes on from what was saved."""
        self._detection = None

    def round(self, may_act: Callable[[], bool]) -> Iterator[Callable[[], object]]:
        """One evaluation and one look for drift: what it tells does not wait for the other."""
        now = datetime.now(UTC)
        yield lambda: self.tried("rules", lambda: self._evaluate(now, may_act))
        yield lambda: self.tried("drift", lambda: self._look(now, may_act))

    def _evaluate(self, now: datetime, may_act: Callable[[], bool]) -> None:
        pause = timedelta(seconds=self._settings.alert_seconds)
        self.counts.changes += len(step(self._connected(), self._file.rules, now, pause, may_act))
        self.counts.rounds += 1

    def _look(self, now: datetime, may_act: Callable[[], bool]) -> None:
        if not self._settings.drift:
            if not self._has_ended:
                end_unknown(self._connected(), frozenset(), now)
                self._has_ended = True
            return
        if self._detection is None:
            budget, warm_up = self._settings.drift_false_pages, self._settings.drift_warm_up_minutes * 60
            opened = Detection.open(
                self._connected(),
                now,
                budget=budget,
                warm_up=warm_up,
                may_go_on=may_act,
                tuning=Tuning(self._file.drift),
            )
            if opened is None:
                return
            self._detection, self._record = opened, Record()
        for finding in self._detection.step(self._connected(), now, may_act):
            logger.info("drift: %s. %s", finding.headline, " ".join(finding.sentences))
            self.counts.findings += 1
        found = self._detection
        self._record.take(self._connected(), found.fleet.monitors, found.shares, found.position)

    def _save(self) -> None:
        if self._detection is not None:
            self._detection.save(self._connected())

    def _connected(self) -> Client:
        if self._client is None:
            self._client = connect(self._settings)
        return self._client

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _failed(self, _: Exception) -> None:
        self._disconnect()  # a store that was restarted may have another address
