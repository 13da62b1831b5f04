"""The alert worker: evaluates the rules, writes what changes and tells people, as long as it leads."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Self, TypeVar

from driftline.bus.leader import Leadership
from driftline.errors import BusError, DriftlineError, SettingsError
from driftline_alerts.deliver import deliver
from driftline_alerts.drift.detection import Detection
from driftline_alerts.evaluate import evaluate
from driftline_alerts.rules import load_rules
from driftline_alerts.slack import SlackNotifier
from driftline_alerts.state import Transition, decide, latest, write
from driftline_store.client import connect

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings
    from driftline_alerts.notifier import Notifier
    from driftline_alerts.rule import Rule

logger = logging.getLogger(__name__)

T = TypeVar("T")

_BEAT_SECONDS: Final = 1.0
"""How often leadership is asked for: a lease lasts some ten seconds."""


def run(settings: Settings, stop: threading.Event) -> None:
    """Evaluate the rules every ``alert_seconds`` until ``stop`` is set.

    What is away, bus or store, is waited for. Of several workers on one bus only one acts.

    Raises:
        SettingsError: the rules or an address are wrong.
    """
    rules, channels = load_rules(settings), notifiers(settings)
    names = ", ".join(channel.channel for channel in channels) or "nobody (the setting 'slack_webhook_url' is empty)"
    logger.info("%d alert rules, every %g s; telling %s", len(rules), settings.alert_seconds, names)
    with (
        Leadership(settings.bus_url, group="alerts") as leadership,
        _Worker(settings, rules, channels) as worker,
    ):
        due = time.monotonic()
        while not stop.is_set():
            if not worker.may_act(leadership):
                worker.stand_by()
            elif time.monotonic() >= due:
                due = time.monotonic() + settings.alert_seconds
                worker.round(lambda: worker.may_act(leadership) and not stop.is_set(), stop)
            stop.wait(min(_BEAT_SECONDS, settings.alert_seconds))


def notifiers(settings: Settings) -> list[Notifier]:
    """The channels that the settings name.

    Raises:
        SettingsError: an address is wrong.
    """
    if not settings.slack_webhook_url:
        return []
    return [SlackNotifier(str(settings.slack_webhook_url), dashboard_url(settings))]


def dashboard_url(settings: Settings) -> str:
    """Where people reach the dashboard."""
    return str(settings.dashboard_url) or f"http://{settings.dashboard_host}:{settings.dashboard_port}"


def step(client: Client, rules: Sequence[Rule], now: datetime) -> list[Transition]:
    """Evaluate all rules once and write what changes.

    Returns:
        What was written.

    Raises:
        StoreError: the store is away or fails a statement; repeat it, nothing is written twice.
    """
    outcomes = evaluate(client, rules, now)
    changes = decide(outcomes, rules, latest(client), now)
    write(client, changes)
    for change in changes:
        segment = ", ".join(f"{name}={value}" for name, value in change.segment) or "everything"
        logger.info(
            "%s: %s (%s), %s %g of %d",
            change.state,
            change.rule,
            segment,
            change.metric,
            change.value,
            change.n,
        )
    return changes


class _Worker:
    """Holds the store's client over the rounds, and says once what is wrong."""

    def __init__(self, settings: Settings, rules: Sequence[Rule], channels: Sequence[Notifier]) -> None:
        self._settings = settings
        self._rules = rules
        self._channels = channels
        self._client: Client | None = None
        self._detection: Detection | None = None
        self._trouble: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tried("drift", self._save)
        self._disconnect()

    def may_act(self, leadership: Leadership) -> bool:
        """Whether we lead; not while the bus is away, as somebody else may lead then."""
        return self._tried("bus", leadership.held) is True

    def stand_by(self) -> None:
        """Forget what drift detection knew: another worker goes on from what was saved."""
        self._detection = None

    def round(self, may_act: Callable[[], bool], stop: threading.Event) -> None:
        """One evaluation, one look for drift, then all deliveries, also those that earlier rounds left."""
        now = datetime.now(UTC)
        self._tried("rules", lambda: step(self._connected(), self._rules, now))
        if self._settings.drift:
            self._tried("drift", lambda: self._look(now, may_act))
        for channel in self._channels:
            self._tried(channel.channel, partial(self._deliver, channel, now, stop, may_act))

    def _deliver(self, channel: Notifier, now: datetime, stop: threading.Event, may_act: Callable[[], bool]) -> None:
        deliver(self._connected(), channel, now, stop, may_act)

    def _look(self, now: datetime, may_act: Callable[[], bool]) -> None:
        if self._detection is None:
            budget, warm_up = self._settings.drift_false_pages, self._settings.drift_warm_up_minutes * 60
            opened = Detection.open(self._connected(), now, budget=budget, warm_up=warm_up, may_go_on=may_act)
            if opened is None:
                return
            self._detection = opened
        for finding in self._detection.step(self._connected(), now, may_act):
            logger.info("drift: %s. %s", finding.headline, " ".join(finding.sentences))

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

    def _tried(self, what: str, action: Callable[[], T]) -> T | None:
        """Do it, and log trouble when it begins or changes and when it is over: once, whatever else meets the same."""
        try:
            result = action()
        except SettingsError:
            raise
        except DriftlineError as error:
            if str(error) not in self._trouble.values():
                logger.warning("alerts wait: %s", error)
            self._trouble[what] = str(error)
            if not isinstance(error, BusError):
                self._disconnect()  # a store that was restarted may have another address
            return None
        if self._trouble.pop(what, None):
            logger.info("alerts go on: what was wrong with the %s is over", what)
        return result
