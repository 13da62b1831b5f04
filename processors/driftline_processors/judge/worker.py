"""The judge's process: takes tasks as long as it leads, several at once, and stores what comes out."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from driftline.bus.leader import Leadership
from driftline.errors import BusError, StoreError
from driftline_processors.judge.build import evaluators
from driftline_processors.judge.config import load_config
from driftline_processors.judge.money import check_budgets
from driftline_processors.judge.pump import Pump
from driftline_processors.judge.queue import Queue
from driftline_processors.judge.rate import set_rate
from driftline_processors.judge.results import Results
from driftline_processors.prepare import prepare
from driftline_processors.prices import price_book
from driftline_store.client import connect, is_transient

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings
    from driftline_processors.judge.config import JudgeConfig
    from driftline_processors.judge.results import Batch

logger = logging.getLogger(__name__)

_STORE_WAIT: Final = 60.0
_BEAT_SECONDS: Final = 0.5
"""Pause between two questions for leadership; a lease lasts some ten seconds."""

_PAUSE_AFTER_FAULT: Final = 1.0


def run(settings: Settings, stop: threading.Event) -> None:
    """Judge what the queue holds until ``stop`` is set; of several such processes, one acts.

    Without ``judge_api_key`` nothing is judged and nothing is queued for it.

    Raises:
        SettingsError: the evaluators' file, a rubric or an address is wrong.
        StoreError: the store cannot be used; one that is away is waited for, at the start a minute.
    """
    config = load_config(settings)
    judge = config.judges[0]
    check_budgets(config, price_book(settings))
    prepare(settings).close()
    if not settings.judge_api_key:
        logger.warning("judging is off: no key is set; set DRIFTLINE_JUDGE_API_KEY or OPENAI_API_KEY to judge")
    leadership = Leadership(settings.bus_url, group="judge")
    leading, ended = threading.Event(), threading.Event()
    unsettled: Batch = {}
    with ThreadPoolExecutor(1, thread_name_prefix="judge-leader") as pool:
        beat = pool.submit(_keep_leading, leadership, leading, ended)
        try:
            while not stop.is_set() and not beat.done():
                if leading.wait(_BEAT_SECONDS):
                    _guarded_lead(settings, judge, unsettled, leading, stop)
                if not leading.is_set():
                    # Another leader may have judged these by now.
                    unsettled.clear()
        finally:
            ended.set()
        beat.result()


def _keep_leading(leadership: Leadership, leading: threading.Event, ended: threading.Event) -> None:
    """Hold the membership from one thread, as judging must not keep it waiting, and say whether we lead."""
    trouble = False
    try:
        while not ended.is_set():
            try:
                held, is_away = leadership.held(), False
            except BusError as error:
                # Somebody else may lead now: better judge nothing for a while than everything twice.
                held, is_away = False, True
                if not trouble:
                    logger.warning("%s; the judge waits", error)
            trouble = is_away
            if held:
                leading.set()
            else:
                leading.clear()
            ended.wait(_BEAT_SECONDS)
    finally:
        leading.clear()
        leadership.close()


def _guarded_lead(
    settings: Settings, judge: JudgeConfig, unsettled: Batch, leading: threading.Event, stop: threading.Event
) -> None:
    """Lead; when the store goes away, begin anew from its state once it is back.

    Only the batch whose insert had begun is kept, to be repeated unchanged: the store may have died between
    ``evaluations`` and the sums per minute, and nothing but that repeat completes them.
    """
    try:
        client = connect(settings, wait=_STORE_WAIT)
    except StoreError as error:
        if not is_transient(error):
            raise
        logger.warning("%s; the judge waits", error)
        return
    try:
        _lead(client, settings, judge, unsettled, leading=leading, stop=stop)
    except Exception as error:
        if not is_transient(error):
            raise
        logger.warning("the store is away (%s); what was not stored is judged again", type(error).__name__)
        stop.wait(_PAUSE_AFTER_FAULT)
    finally:
        client.close()


def _lead(
    client: Client,
    settings: Settings,
    judge: JudgeConfig,
    unsettled: Batch,
    *,
    leading: threading.Event,
    stop: threading.Event,
) -> None:
    rate = judge.rate if settings.judge_api_key else 0.0
    if set_rate(client, rate):
        logger.info("from now on %g %% of the requests are queued for judging", rate * 100)
    if not settings.judge_api_key:
        while leading.is_set() and not stop.wait(_BEAT_SECONDS):
            pass
        return
    asyncio.run(_judge(client, settings, judge, unsettled, leading=leading, stop=stop))


async def _judge(
    client: Client,
    settings: Settings,
    judge: JudgeConfig,
    unsettled: Batch,
    *,
    leading: threading.Event,
    stop: threading.Event,
) -> None:
    async with evaluators([judge], settings, price_book(settings)) as built:
        evaluator = built[judge.name]
        queue = Queue(client, judge.name)
        results = Results(client, queue, judge.name, evaluator.fingerprint, unsettled)
        logger.info("judging with %s", evaluator.fingerprint)
        pump = Pump(evaluator, queue, results, concurrency=judge.concurrency)
        await pump.run(leads=leading.is_set, stopped=stop.is_set)
