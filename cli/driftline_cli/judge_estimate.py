"""``driftline judge estimate``: what judging would cost, before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from driftline_processors.judge.config import load_config
from driftline_processors.judge.estimate import HIGH, LIKELY, LOW, WINDOW, estimate
from driftline_processors.prices import price_book
from driftline_store.client import connect, store_errors

if TYPE_CHECKING:
    from decimal import Decimal

    from driftline.settings import Settings
    from driftline_processors.judge.estimate import Assumption, Estimate

_DAYS_A_MONTH = 30


def show(settings: Settings) -> None:
    """Print the cost of each judge of a configuration, had it been in force in the last days.

    Raises:
        DriftlineError: the configuration is wrong, or the store cannot be reached or fails.
    """
    config = load_config(settings)
    client = connect(settings)
    try:
        with store_errors("reading last week's traffic"):
            found = estimate(client, config, price_book(settings))
    finally:
        client.close()
    heads = ("judge", "unit", "units", "judged", "bytes read", "USD a day", "USD in 30 days", "range", "budget")
    table = Table(*heads, box=None)
    for one in found:
        table.add_row(*_row(one))
    Console().print(table)
    Console().print(_assumptions())


def _row(found: Estimate) -> list[str]:
    judge = found.judge
    head = [judge.name, judge.unit, f"{found.units:,.0f}", f"{found.judged:,.0f}", f"{found.bytes_read:,.0f}"]
    if found.usd_a_day is None:
        why = "no content is stored" if not found.bytes_read else f"no price is known for {judge.model}"
        return [*head, f"unknown: {why}", "", "", ""]
    low, likely, high = found.usd_a_day
    spread = f"{low * _DAYS_A_MONTH:,.2f} to {high * _DAYS_A_MONTH:,.2f}"
    return [*head, f"{likely:,.2f}", f"{likely * _DAYS_A_MONTH:,.2f}", spread, _budget(found, likely)]


def _budget(found: Estimate, likely: Decimal) -> str:
    budget = found.judge.budget
    a_day = [usd for usd in (budget.per_day, budget.per_month and budget.per_month / _DAYS_A_MONTH) if usd is not None]
    if not a_day:
        return "none"
    return "enough" if min(a_day) >= likely else f"for {min(a_day) / likely:.0%} of it"


def _assumptions() -> str:
    return (
        f"On the traffic of the last {WINDOW.days} days. Tokens are estimated by length: {_assumed(LIKELY)}. "
        f"The range is from {_assumed(LOW)} to {_assumed(HIGH)}. Texts are measured as stored, which is longer than "
        "what the judge reads of them. Identical answers, which are judged once, are counted each; operations are not "
        "told apart."
    )


def _assumed(one: Assumption) -> str:
    repeated = f" with {one.calls - 1:.0%} of the calls repeated"
    return f"{one.bytes_per_token:g} bytes each and {one.answer_tokens} of an answer{repeated}"
