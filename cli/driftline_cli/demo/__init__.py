"""``driftline demo``: the real product watching a simulated support bot that gets worse part-way."""

from __future__ import annotations

import shutil
import signal
import socket
import tempfile
import threading
import time
import webbrowser
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

import driftline
from driftline import settings as table
from driftline_cli import up
from driftline_cli.demo.bot import SupportBot, Traffic
from driftline_cli.demo.freshness import Freshness
from driftline_cli.demo.knowledge import BRIEF_PROMPT, CAREFUL_PROMPT
from driftline_cli.demo.screen import Screen, stored
from driftline_cli.demo.simulated import JUDGE_MODEL, Simulated, simulated
from driftline_cli.supervisor import Supervisor
from driftline_store.client import connect

if TYPE_CHECKING:
    from driftline.settings import Settings

PER_SECOND: Final = 12.0
JUDGE_RATE: Final = 1.0
CHANGE_AFTER: Final = 40.0
"""Seconds of good answers before the new prompt version goes live."""

WARM_UP_MINUTES: Final = 0.3
"""Or until 300 answers are judged, which takes longer: nobody wants to watch for an hour how a baseline is learned."""

_LINE_SECONDS: Final = 5.0
_TICK_SECONDS: Final = 0.2
_SETTLE_SECONDS: Final = 30.0


@dataclass
class Outcome:
    """How the demo went.

    Attributes:
        changed: when the new prompt version went live, seconds since 1970.
        alerted: when Slack heard about it.
    """

    changed: float | None = None
    alerted: float | None = None


def run(*, seconds: float | None, browser: bool, port: int | None) -> int:
    """Run the demo.

    Args:
        seconds: end by itself after this time; None runs until interrupted.
        browser: whether to open the dashboard.
        port: of the dashboard.

    Returns:
        exit code: 0 if the alert came, or was not due yet; 1 if it should have come.

    Raises:
        DriftlineError: a part cannot be started.
    """
    folder = Path(tempfile.mkdtemp(prefix="driftline-demo-"))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    screen = Screen(Console(highlight=False, width=100 if not Console().is_terminal else None))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        world = stack.enter_context(simulated())
        settings = _settings(folder, world, port)
        screen.introduce(settings)
        supervisor = Supervisor(folder / "logs", say=screen.say)
        stack.callback(supervisor.stop)
        up.start(supervisor, settings)
        up.wait_for_dashboard(supervisor, settings)
        if browser:
            webbrowser.open(f"http://{settings.dashboard_host}:{settings.dashboard_port}/?window=1h")
        return _Demo(settings, world, supervisor, screen).run(stop, seconds)


def _settings(folder: Path, world: Simulated, port: int | None) -> Settings:
    rules = folder / "alerts.yaml"
    rules.write_text(resources.files(__package__).joinpath("alerts.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return table.load(
        data_dir=str(folder),
        bus=f"sqlite:///{folder / 'bus.db'}",
        service_name="lumen-support",
        environment="demo",
        judge_base_url=f"{world.url}/v1",
        judge_api_key="simulated",
        judge_model=JUDGE_MODEL,
        judge_rate=JUDGE_RATE,
        drift_warm_up_minutes=WARM_UP_MINUTES,
        alerts_file=str(rules),
        alert_seconds=1.0,
        slack_webhook_url=f"{world.url}/slack",
        dashboard_port=port,
        receiver_port=_free_port(),  # the usual one may belong to a Collector, or to another demo
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Demo:
    """The schedule: good answers, a change, an alert."""

    def __init__(self, settings: Settings, world: Simulated, supervisor: Supervisor, screen: Screen) -> None:
        self._world = world
        self._supervisor = supervisor
        self._screen = screen
        self._outcome = Outcome()
        self._freshness = Freshness()
        self._clients = [connect(settings, wait=30), connect(settings, wait=30)]
        driftline.init(
            bus=settings.bus_url,
            service_name=settings.service_name,
            environment=settings.environment,
            data_dir=settings.data_dir,
        )
        bot = SupportBot(world.url, prompt=CAREFUL_PROMPT, version="v1")
        self._traffic = Traffic(bot, PER_SECOND, on_answer=self._freshness.follow)

    def run(self, stop: threading.Event, seconds: float | None) -> int:
        quiet = threading.Event()
        threads = [
            threading.Thread(target=self._traffic.run, args=(quiet,), name="traffic"),
            threading.Thread(target=self._freshness.run, args=(self._clients[0], stop), name="freshness"),
        ]
        for thread in threads:
            thread.start()
        try:
            self._watch(stop, seconds)
            quiet.set()
            threads[0].join()
            driftline.flush(timeout=5)
            self._wait_until_stored()
        finally:
            quiet.set()
            stop.set()
            for thread in threads:
                thread.join()
        self._screen.sum_up(self._clients[1], self._traffic, self._freshness, self._outcome)
        for client in self._clients:
            client.close()
        return 1 if self._outcome.changed and not self._outcome.alerted else 0

    def _wait_until_stored(self) -> None:
        """What was sent last is counted too, however busy this machine is."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        while stored(self._clients[1]) < driftline.stats().exported and time.monotonic() < deadline:
            time.sleep(_TICK_SECONDS)

    def _watch(self, stop: threading.Event, seconds: float | None) -> None:
        began = next_line = time.monotonic()
        while not stop.wait(_TICK_SECONDS):
            elapsed = time.monotonic() - began
            self._supervisor.check()
            if self._outcome.changed is None and elapsed >= CHANGE_AFTER:
                self._deploy_worse_prompt()
            self._show_slack()
            if time.monotonic() >= next_line:
                self._screen.line(elapsed, self._clients[1], self._traffic, self._freshness)
                next_line += _LINE_SECONDS
            if seconds is not None and elapsed >= seconds:
                return

    def _deploy_worse_prompt(self) -> None:
        self._outcome.changed = time.time()
        self._traffic.bot = SupportBot(self._world.url, prompt=BRIEF_PROMPT, version="v2")
        self._screen.announce_change(CAREFUL_PROMPT, BRIEF_PROMPT)

    def _show_slack(self) -> None:
        for at, message in self._world.slack[self._screen.slack_shown :]:
            self._screen.slack(message)
            if self._outcome.changed and self._outcome.alerted is None and "v2" in str(message):
                self._outcome.alerted = at
                self._screen.announce_alert(at - self._outcome.changed)
