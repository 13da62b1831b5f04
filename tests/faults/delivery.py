"""Rounds of faults between the outbox and the channels: nothing lost, repeats as promised, order kept.

Two real workers on a real store; the services that they tell are played by a server that takes whatever comes.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from alert_support import put_requests, step_of, wait_until
from channel_support import CLOSED, CLOSED_BUT_TAKEN, HANGS_BUT_TAKEN, SECRET, Fault, Service, Services, services
from driftline_alerts.transition import write
from process_support import clean_environment
from store_fixtures import start_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from driftline_alerts.transition import State, Transition
    from driftline_store.client import Client

SETTLE_SECONDS = 240.0
CHANNELS: Final[dict[str, Service]] = {"hook": "hook", "webhook": "slack", "bot": "api", "pager": "pagerduty"}
"""Name in alerts.yaml -> who plays it."""
ONCE: Final = frozenset({"bot"})
"""Channels that never get a repeat, as they are looked up."""
_INCIDENT: Final = re.compile(r"incident-\d+-\d+")

_RULES = """\
defaults: false
rules:  # so that the alerts that the rounds make up belong to something
  - {{name: slow, metric: latency_p95, window: 15m, above: 3, group_by: feature}}
channels:
  hook: {{kind: webhook, url: "{hook}", secret: "${{HOOK_SECRET}}"}}
  webhook: {{kind: slack, webhook_url: "${{SLACK_WEBHOOK}}"}}
  bot: {{kind: slack, token: "${{SLACK_TOKEN}}", channel: C0123456789, api_url: "{api}"}}
  pager: {{kind: pagerduty, routing_key: "${{PAGER_KEY}}", url: "{pager}"}}
"""
_PROGRAM = """\
import threading
from driftline.settings import load
from driftline_alerts.worker import run
run(load(), threading.Event())
"""
_INTRODUCED = "SELECT uniqExact(channel) FROM alert_channels"
_UNTOLD = """\
SELECT count() FROM alert_transitions AS t CROSS JOIN (SELECT arrayJoin({channels:Array(String)}) AS channel) AS c
WHERE t.is_news AND (t.id, c.channel) NOT IN (SELECT transition_id, channel FROM alert_deliveries WHERE delivered)"""
_TOLD = """\
SELECT t.incident, d.channel, uniqExact(d.message) FROM alert_deliveries AS d
JOIN alert_transitions AS t ON t.id = d.transition_id
WHERE d.delivered AND t.incident IN {incidents:Array(String)} GROUP BY ALL"""
_IN_TIME = """\
SELECT d.message FROM alert_deliveries AS d JOIN alert_transitions AS t ON t.id = d.transition_id
WHERE t.incident IN {incidents:Array(String)} GROUP BY d.message ORDER BY min(t.at)"""


@dataclass
class Report:
    """What all rounds together came to."""

    rounds: int = 0
    steps: int = 0
    messages: int = 0
    repeats: Counter[str] = field(default_factory=Counter)
    allowed: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        happened = ", ".join(f"{count} {name}" for name, count in self.faults.most_common())
        repeats = ", ".join(f"{name} {self.repeats[name]}" for name in CHANNELS)
        return (
            f"{self.rounds} rounds, {self.steps:,} steps of alerts in {len(CHANNELS)} channels, {self.messages:,} "
            f"messages; repeated: {repeats}, of at most {self.allowed} a channel; {happened}"
        )


@dataclass
class World:
    """Store, services, and two workers that are kept running."""

    folder: Path
    played: Services
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    unknown: int = 0
    """Attempts of a channel whose end nobody can know, at most."""

    def __post_init__(self) -> None:
        self.store = start_store(self.folder / "data", prepared=True)
        at = self.store.endpoint
        (self.folder / "alerts.yaml").write_text(
            _RULES.format(hook=self.played.hook, api=self.played.slack_api, pager=self.played.pagerduty)
        )
        self._environ = clean_environment(
            self.folder,
            DRIFTLINE_BUS=f"sqlite:///{self.folder / 'bus.db'}",
            DRIFTLINE_STORE=f"clickhouse://{at.user}:{at.password}@127.0.0.1:{at.port}/default",
            DRIFTLINE_ALERTS_FILE=str(self.folder / "alerts.yaml"),
            DRIFTLINE_ALERT_SECONDS="0.5",
            DRIFTLINE_DRIFT="0",
            HOOK_SECRET=SECRET * 5,
            PAGER_KEY=SECRET * 4,
            SLACK_TOKEN=f"xoxb-{SECRET}",
            SLACK_WEBHOOK=self.played.slack_webhook,
            NO_PROXY="*",
        )
        self.keep_running()
        self._wait_for_channels()

    def _wait_for_channels(self) -> None:
        """Until all of them are introduced: what is over before that is told to nobody."""
        with contextlib.closing(self.store.client()) as client:
            wait_until(lambda: client.query(_INTRODUCED).result_rows[0][0] == len(CHANNELS))

    def keep_running(self) -> None:
        """Start again what was killed."""
        self.workers = [one for one in self.workers if one.poll() is None]
        while len(self.workers) < 2:
            with (self.folder / "workers.log").open("ab") as log:
                command = [sys.executable, "-c", _PROGRAM]
                self.workers.append(subprocess.Popen(command, env=self._environ, stdout=log, stderr=log))

    def kill(self, workers: Sequence[subprocess.Popen[bytes]]) -> None:
        """As a crash of the machine."""
        for one in workers:
            one.send_signal(signal.SIGKILL)
            one.wait()
        self.unknown += 1

    def close(self) -> None:
        for one in self.workers:
            one.kill()
            one.wait()
        self.store.stop()


def _answers(*faults: Fault) -> Callable[[World, random.Random], None]:
    def happen(world: World, chance: random.Random) -> None:
        service = chance.choice([*CHANNELS.values()])
        world.played.fail(service, *(chance.choice(faults) for _ in range(chance.randint(1, 3))))

    return happen


def _unsure(world: World, chance: random.Random) -> None:
    world.played.fail(chance.choice([*CHANNELS.values()]), CLOSED_BUT_TAKEN)
    world.unknown += 1


def _away(world: World, chance: random.Random) -> None:
    service = chance.choice([*CHANNELS.values()])
    world.played.fail(service, *[Fault(503)] * 100)
    time.sleep(chance.uniform(1, 4))
    with world.played.lock:
        world.played.faults[service].clear()


def _killed(world: World, chance: random.Random) -> None:
    time.sleep(chance.uniform(0, 3))
    world.kill([chance.choice(world.workers)])


def _all_killed(world: World, chance: random.Random) -> None:
    time.sleep(chance.uniform(0, 3))
    world.kill(world.workers)


def _killed_between(world: World, chance: random.Random) -> None:
    """The service has taken it, and the worker dies before it can note that."""
    service = chance.choice([*CHANNELS.values()])
    known = len(world.played.of(service))
    world.played.fail(service, HANGS_BUT_TAKEN)
    deadline = time.monotonic() + 10
    while len(world.played.of(service)) == known and time.monotonic() < deadline:
        time.sleep(0.02)
    world.kill(world.workers)


FAULTS: Final[dict[str, Callable[[World, random.Random], None]]] = {
    "asked to wait": _answers(Fault(429, {"Retry-After": "1"})),
    "refused for a while": _answers(Fault(500), Fault(503)),
    "connection closed": _answers(CLOSED),
    "taken without an answer": _unsure,
    "service away": _away,
    "worker killed": _killed,
    "all workers killed": _all_killed,
    "killed between send and record": _killed_between,
}


def run(folder: Path, *, seed: int, numbers: Sequence[int], until: float = float("inf")) -> Report:
    """Run rounds until they are through, one goes wrong, or the time is over.

    Args:
        folder: for data and logs.
        seed: of all chance.
        numbers: of the rounds; each has a fault of its own, and others by chance.
        until: no round begins after this time of the monotonic clock.
    """
    report = Report()
    with services() as played, contextlib.closing(World(folder, played)) as world:
        for number in numbers:
            if time.monotonic() > until or report.wrong:
                break
            chance = random.Random(f"{seed}/{number}")
            names = [[*FAULTS][number % len(FAULTS)], *chance.choices([*FAULTS], k=chance.randint(0, 2))]
            print(f"round {number}: {', '.join(names)}", end=" … ", flush=True)
            began = time.monotonic()
            _round(world, report, chance, number, names)
            print(f"{time.monotonic() - began:.0f} s", flush=True)
    return report


def _round(world: World, report: Report, chance: random.Random, number: int, names: Sequence[str]) -> None:
    world.unknown = 0
    known = {service: len(world.played.told(service)) for service in CHANNELS.values()}
    threads = [threading.Thread(target=FAULTS[name], args=(world, random.Random(chance.random()))) for name in names]
    with contextlib.closing(world.store.client()) as client:
        for thread in threads:
            thread.start()
        steps = _happen(client, chance, number)
        for thread in threads:
            thread.join()
        world.keep_running()
        if not _all_told(client):
            report.wrong.append(f"round {number}: not everything was told within {SETTLE_SECONDS:.0f} s")
        asked = {"incidents": list({step.incident for step in steps})}
        rows = client.query(_TOLD, parameters=asked).result_rows
        place = {message: n for n, (message,) in enumerate(client.query(_IN_TIME, parameters=asked).result_rows)}
    for channel, service in CHANNELS.items():
        told = [_READ[service](body) for body in world.played.told(service)[known[service] :]]
        due = {incident: n for incident, of, n in rows if of == channel}
        repeats, wrong = compare(told, due, place, 0 if channel in ONCE else world.unknown)
        report.wrong += [f"round {number}, {channel}: {words}" for words in wrong]
        report.repeats[channel] += repeats
        report.messages += len(told)
    report.rounds += 1
    report.steps += len(steps)
    report.allowed += world.unknown
    report.faults.update(names)


def _happen(client: Client, chance: random.Random, number: int) -> list[Transition]:
    """Alerts that fire, become critical, are acknowledged and are over, at the worker's usual pace."""
    done: list[Transition] = []
    last: dict[str, Transition] = {}
    ways: list[list[tuple[State, str]]] = [
        [("firing", "warning")],
        [("firing", "warning"), ("firing", "critical"), ("resolved", "critical")],
        [("firing", "critical"), ("acknowledged", "critical"), ("resolved", "critical")],
        [("firing", "warning"), ("resolved", "warning")],
    ]
    todo = {f"{number}-{n}": list(chance.choice(ways)) for n in range(chance.randint(2, 4))}
    for name in todo:  # too little to judge, so that the worker's own rounds change nothing
        put_requests(client, 1.0, 1, at=datetime.now(UTC), feature=name)
    while any(todo.values()):
        name = chance.choice([name for name, left in todo.items() if left])
        state, severity = todo[name].pop(0)
        step = step_of(state=state, at=datetime.now(UTC), severity=severity, feature=name)  # type: ignore[arg-type]
        step = replace(
            step, id=f"{name}-{len(done)}", incident=f"incident-{name}", started=last.get(name, step).started
        )
        write(client, [step])
        last[name] = step
        done.append(step)
        time.sleep(chance.uniform(0, 0.8))
    return done


def _all_told(client: Client) -> bool:
    deadline = time.monotonic() + SETTLE_SECONDS
    while client.query(_UNTOLD, parameters={"channels": [*CHANNELS]}).result_rows[0][0]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@dataclass(frozen=True)
class Told:
    """One message as people got it.

    Attributes:
        id: of the message; '' where the service is not shown it.
        is_over: whether it says that the incident is.
        is_marked: whether it says that it may be a repeat.
    """

    incident: str
    id: str
    is_over: bool
    is_marked: bool


def _of_hook(body: dict[str, Any]) -> Told:
    return Told(body["incident"], body["id"], body["phase"] == "resolved", is_marked=False)


def _of_slack(body: dict[str, Any]) -> Told:
    metadata = body.get("metadata", {}).get("event_payload", {})
    said = str(body["blocks"])
    (incident,) = set(_INCIDENT.findall(said))
    return Told(incident, metadata.get("id", ""), "Resolved: " in said, is_marked="may have been sent before" in said)


def _of_pager(body: dict[str, Any]) -> Told:
    return Told(body["dedup_key"], "", body["event_action"] == "resolve", is_marked=False)


_READ: Final[dict[Service, Callable[[dict[str, Any]], Told]]] = {
    "hook": _of_hook,
    "slack": _of_slack,
    "api": _of_slack,
    "pagerduty": _of_pager,
}


def compare(
    told: Sequence[Told], due: Mapping[str, int], steps: Mapping[str, int], unknown: int
) -> tuple[int, list[str]]:
    """What is wrong with what a channel was told of a round.

    Args:
        told: in the order of its arrival.
        due: by incident, how many messages the store says were delivered.
        steps: by id of the messages in the store, their place in time.
        unknown: attempts whose end nobody can know, at most.

    Returns:
        How many were repeats, and what is wrong.
    """
    wrong, repeats = [], 0
    for incident, messages in due.items():
        of_incident = [one for one in told if one.incident == incident]
        ids = list(dict.fromkeys(one.id for one in of_incident if one.id))
        if len(of_incident) < messages or (ids and len(ids) != messages):
            wrong.append(f"{incident}: {messages} messages delivered, but {len(of_incident)} were got")
        repeats += len(of_incident) - messages
        if [steps[one] for one in ids] != sorted(steps[one] for one in ids):
            wrong.append(f"{incident}: messages came in another order than what they are about")
        over = [one.is_over for one in of_incident]
        if True in over and not all(over[over.index(True) :]):
            wrong.append(f"{incident}: something came after the end")
    if repeats > unknown:
        wrong.append(f"{repeats} repeats, but only {unknown} attempts could have an unknown end")
    return repeats, wrong


def main() -> int:
    """Read the arguments and run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.delivery", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="default: from the clock")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no round after this time")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="driftline-delivery-"))
    print(f"seed {arguments.seed}, logs in {folder}", flush=True)
    until = time.monotonic() + arguments.minutes * 60
    report = run(folder, seed=arguments.seed, numbers=range(arguments.rounds), until=until)
    print(report)
    for words in report.wrong:
        print(f"WRONG: {words}")
    if report.wrong:
        return 1
    print("nothing was lost, and no more repeated than promised")
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
