"""Drift detection as a whole: one step reads what arrived, asks all monitors, and tells people what they found."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from datetime import timedelta
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from driftline_alerts.drift import fleet_state, refit
from driftline_alerts.drift.baseline import begin_quietly, learn
from driftline_alerts.drift.budget import VOLUMES_SHARE, split
from driftline_alerts.drift.closer_look import look_closer
from driftline_alerts.drift.feed import Feed, history
from driftline_alerts.drift.finding import Finding, moment
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.incidents import Incident, Incidents, concerned
from driftline_alerts.drift.lifecycle import accept, end_silent, turns
from driftline_alerts.drift.monitor import DAY
from driftline_alerts.drift.news import News
from driftline_alerts.drift.reading import actions, look_back
from driftline_alerts.drift.snapshots import Snapshot, load, save
from driftline_alerts.drift.stream import ANCHORS, StreamKey
from driftline_alerts.drift.telling import end_unknown, tell, told_of_volume, volume_incident
from driftline_alerts.drift.tuning import USUAL
from driftline_alerts.drift.volumes import Volumes, VolumeTurn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.drift.events import Event
    from driftline_alerts.drift.fleet import Name
    from driftline_alerts.drift.monitor import Monitor
    from driftline_alerts.drift.reading import Action
    from driftline_alerts.drift.tuning import Tuning

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PAST: Final = timedelta(days=28)
"""How much of what arrived before the first start is taken for the baseline."""
_SAVED: Final = 300.0
"""Seconds between two snapshots while nothing is found: what arrived since is read again after a crash."""
_SPLIT: Final = DAY
_FORGOTTEN: Final = 35 * DAY
"""After so long without anything a stream is dropped: nothing of it is in what is learned from either."""
_CATCHING_UP: Final = 10.0
"""Seconds that one step reads at most while it catches up, so that alerts by rules do not wait for it."""


class Detection:
    """Everything that drift detection knows.

    Attributes:
        budget: false pages that the project accepts in 30 days.
        fleet: all monitors.
        shares: false alarms a month that each may raise.
    """

    def __init__(self, feed: Feed, news: News, fleet: Fleet, volumes: Volumes, *, budget: float) -> None:
        self.budget = budget
        self.fleet = fleet
        self.shares: dict[Name, float] = {}
        self._feed, self._news, self._volumes = feed, news, volumes
        self._incidents = Incidents()
        self._untold: list[Finding] = []
        self._acted = feed.position
        self._step = 0
        self._saved = self._split = self._learned = 0.0

    @classmethod
    def open(
        cls,
        client: Client,
        now: datetime,
        *,
        budget: float,
        warm_up: float,
        may_go_on: Callable[[], bool],
        tuning: Tuning = USUAL,
    ) -> Self | None:
        """As it was saved last; or anew, from what arrived in the past, which may take minutes.

        Args:
            client: of the store.
            now: the present, aware.
            budget: false pages that the project accepts in 30 days.
            warm_up: seconds that a baseline spans at least.
            may_go_on: is asked now and then.
            tuning: what is done differently with some streams.

        Returns:
            None where it may not go on.

        Raises:
            StoreError: the store is away or fails a statement.
        """
        snapshot = load(client)
        if snapshot.states:
            opened = cls._restored(snapshot, budget, tuning)
            end_unknown(client, opened.open_incidents, now)
            opened.fleet.warm_up = warm_up
            return opened
        feed, news, volumes = Feed.starting(now), News.starting(client, now), Volumes(tuning=tuning)
        fleet = Fleet(warm_up, tuning)
        past = tuning.watched(history(client, now - _PAST, now))
        for _, parts in groupby(past, key=lambda part: part.begin):
            fleet.apply(parts)
            if not may_go_on():
                return None
        end_unknown(client, frozenset(), now)
        # What was found in the past is over, or part of what is usual.
        for monitor in fleet.monitors.values():
            begin_quietly(monitor)
        volumes.learn(client, (now - _PAST).timestamp(), feed.position)
        logger.info("drift detection starts with %d streams from the last %d days", len(fleet.monitors), _PAST.days)
        return cls(feed, news, fleet, volumes, budget=budget)

    def step(self, client: Client, now: datetime, may_go_on: Callable[[], bool] = lambda: True) -> list[Finding]:
        """Take in what arrived, and tell what was found.

        Args:
            client: of the store.
            now: the present, aware.
            may_go_on: is asked now and then, as catching up and learning take their time.

        Returns:
            What was told.

        Raises:
            StoreError: the store is away or fails a statement; the next step goes on from there.
        """
        is_news = False
        self._expect(self._news.take(client, now))
        until = time.monotonic() + _CATCHING_UP
        is_behind = True
        while is_behind and may_go_on() and time.monotonic() < until:
            is_behind = self._feed.behind(now)
            parts = list(self.fleet.tuning.watched(self._feed.read(client, now)))
            self._volumes.take(parts)
            touched = self.fleet.apply(parts)
            is_news |= self._find(client, touched)
        with contextlib.suppress(_StoppedError):
            is_news |= self._act(client, may_go_on)
        self._refit(client, may_go_on)
        if is_news or self._untold or self._feed.position - self._saved >= _SAVED:
            self.save(client)
        told = []
        while self._untold and may_go_on():
            told.append(tell(client, self._untold[0], self.fleet.tuning))
            del self._untold[0]
        look_closer(client, self.fleet.monitors.values(), now)
        return told

    def save(self, client: Client) -> None:
        """Write all that is known.

        Raises:
            StoreError: the store is away or fails the insert.
        """
        self._step += 1
        self._incidents.forget(self._feed.position)
        rest: dict[str, Any] = {
            "incidents": [one.state() for one in self._incidents.known.values()],
            "untold": [one.model_dump(mode="json") for one in self._untold],
            "acted": self._acted,
        }
        states = {
            "feed": self._feed.dump(),
            "news": self._news.dump(),
            "fleet": fleet_state.dump(self.fleet),
            "volumes": self._volumes.dump(),
            "rest": json.dumps(rest).encode(),
        }
        save(client, Snapshot(self._step, states))
        self._saved = self._feed.position

    @classmethod
    def _restored(cls, snapshot: Snapshot, budget: float, tuning: Tuning) -> Self:
        states, rest = snapshot.states, json.loads(snapshot.states["rest"])
        opened = cls(
            Feed.load(states["feed"]),
            News.load(states["news"]),
            _watched(fleet_state.load(states["fleet"], tuning)),
            Volumes.load(states["volumes"], tuning),
            budget=budget,
        )
        incidents = (Incident.restored(one) for one in rest["incidents"])
        opened._incidents = Incidents({one.id: one for one in incidents if _can_end(one, opened.fleet)})
        untold = (Finding.model_validate(one) for one in rest["untold"])
        opened._untold = [one for one in untold if tuning.of(_stream_of(one)).watch]
        opened._acted, opened._step = rest["acted"], snapshot.step
        return opened

    @property
    def position(self) -> float:
        """Up to which arrival everything is taken in, in seconds of Unix time."""
        return self._feed.position

    @property
    def open_incidents(self) -> set[str]:
        """Those that can still end, and what is not told yet."""
        found = {one.id for one in self._incidents.known.values()} | {one.incident for one in self._untold}
        alarms = ((key, one.volume.alarm) for key, one in self._volumes.streams.items())
        return found | {volume_incident(key, alarm) for key, alarm in alarms if alarm}

    def _expect(self, events: Iterable[Event]) -> None:
        for event in events:
            for monitor in self.fleet.monitors.values():
                if event.concerns(monitor.key.segment):
                    monitor.expect_change(event.at.timestamp())

    def _find(self, client: Client, touched: Iterable[Monitor]) -> bool:
        """Open, page and close alarms; whether there is anything to be told."""
        self._share()
        is_news = False
        # One after the other: a store that goes away half-way takes nothing back of what was found before.
        looking_back = partial(look_back, client)
        changes = turns(touched, self.shares, looking_back)
        silent = end_silent(self.fleet.monitors.values(), self._feed.position)
        for turn in chain(changes, silent):
            is_news = True
            if finding := self._incidents.take(turn, self.fleet, self.shares, looking_back):
                self._untold.append(finding)
        at = self._feed.position
        of_volumes = self._volumes.advance(at, self.budget * VOLUMES_SHARE)
        self._untold += [told_of_volume(turn, at) for turn in of_volumes]
        return is_news or bool(of_volumes)

    def _share(self) -> None:
        """Split the budget anew every day, and when others are watched than were."""
        watching = {name for name, one in self.fleet.monitors.items() if one.panel}
        is_due = self._feed.position - self._split >= _SPLIT
        if is_due:
            self.fleet.forget(self._feed.position - _FORGOTTEN)
        if watching != self.shares.keys() or is_due:
            self.shares = split(self.fleet.monitors.values(), self.budget)
            self._split = self._feed.position

    def _act(self, client: Client, may_go_on: Callable[[], bool]) -> bool:
        """Do what people want done."""
        wanted = actions(client, self._acted)
        for action in wanted:
            if action.kind == "learn":
                self._learn(client, action, may_go_on)
            elif known := self._incidents.known.get(action.incident):
                begun_anew = concerned(known, self.fleet)
                for monitor in begun_anew:
                    accept(monitor, partial(look_back, client))
                del self._incidents.known[known.id]
                self._untold.append(known.over("accepted", self._feed.position, known.first.after))
                logger.info("incident %s is the new normal: %d streams begin anew", known.id, len(begun_anew))
            else:
                self._accept_volume(action.incident)
            # Only what is done is not asked for again.
            self._acted = max(self._acted, action.at)
        return bool(wanted)

    def _accept_volume(self, incident: str) -> None:
        for key, one in self._volumes.streams.items():
            alarm = one.volume.alarm
            if alarm and volume_incident(key, alarm) == incident:
                self._volumes.begin_anew(key)
                self._untold.append(told_of_volume(VolumeTurn(key, alarm, "accepted"), self._feed.position))
                logger.info("incident %s is the new normal: how many requests are usual is learned anew", incident)

    def _learn(self, client: Client, action: Action, may_go_on: Callable[[], bool]) -> None:
        since, until = action.since.timestamp(), action.until.timestamp()
        chosen = [
            one for one in self.fleet.monitors.values() if action.concerns(one.key) and one.key.segment != ANCHORS
        ]
        allowed = _while_allowed(chosen, may_go_on)
        done = [learn(one, look_back(client, one.key, since, until), since, until) for one in allowed]
        when = f"{action.since:%Y-%m-%d %H:%M} to {action.until:%Y-%m-%d %H:%M} UTC"
        logger.info("%d of %d streams take %s for normal; the others have too little of it", sum(done), len(done), when)

    def _refit(self, client: Client, may_go_on: Callable[[], bool]) -> None:
        """Learn a batch of streams now and then: eight weeks of all of them are read each time."""
        at = self._feed.position
        if at - self._learned < refit.pause(self.fleet):
            return
        if any(refit.is_due(one, at) for one in self.fleet.monitors.values()):
            hours = groupby(history(client, moment(at - refit.LONGEST), moment(at)), key=lambda part: part.begin)
            past = chain.from_iterable(of_hour for _, of_hour in _while_allowed(hours, may_go_on))
            with contextlib.suppress(_StoppedError):
                logger.info("learned season and scatter of %d streams", refit.refit(self.fleet, past, at, may_go_on))
                self._learned = at


def _watched(fleet: Fleet) -> Fleet:
    """A fleet without the streams that its tuning does not watch."""
    kept = Fleet(fleet.warm_up, fleet.tuning)
    for monitor in fleet.monitors.values():
        if fleet.tuning.of(monitor.key).watch:
            kept.add(monitor)
    return kept


def _stream_of(finding: Finding) -> StreamKey:
    return StreamKey(finding.metric, finding.instrument, finding.segment, finding.evaluator)


def _can_end(incident: Incident, fleet: Fleet) -> bool:
    """Whether it can, or has; its members that are not watched any more are taken as over."""
    was_open = incident.is_open
    for key, falls in incident.members:
        if not fleet.tuning.of(key).watch:
            incident.members[key, falls] = False
    return incident.is_open or not was_open


class _StoppedError(Exception):
    """We may not go on."""


def _while_allowed(things: Iterable[T], may_go_on: Callable[[], bool]) -> Iterator[T]:
    for one in things:
        if not may_go_on():
            raise _StoppedError
        yield one
