"""Content rules at work: what arrives and matches becomes a case that people look at, once for a rule and trace.

The time of arrival up to which was looked stands in the store, and each look goes back a little behind it, for what was
being stored meanwhile. What is a case already is left out, so a look that was cut off is simply made again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from driftline.errors import StoreError
from driftline_alerts.review_sql import find_sql
from driftline_store.client import StoreUnavailableError, store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.review_rule import ReviewRule

_PAUSE: Final = timedelta(seconds=30)
"""Least time between two looks."""
_BEHIND: Final = timedelta(minutes=2)
"""How far a look goes back behind the last one: longer than storing a batch takes."""
_LONGEST: Final = timedelta(days=1)
"""How late an answer may arrive, and for how long nobody may have looked."""
_HOUR: Final = timedelta(hours=1)


def review(client: Client, rules: Iterable[ReviewRule], now: datetime) -> int:
    """Look at what has arrived since the last time; the first time there is only a beginning made.

    Args:
        client: of the store.
        rules: in force.
        now: aware.

    Returns:
        How many cases were found.

    Raises:
        StoreError: the store is away, and the next look makes up for it; or the engine cannot use a pattern of a
            rule, which keeps the other rules from nothing.
    """
    rules = list(rules)
    with store_errors("reading where the review rules are"):
        ((position,),) = client.query("SELECT maxOrNull(until) FROM review_positions").result_rows
    if not rules or (position is not None and now - position < _PAUSE):
        return 0
    found, failed = 0, None
    if position is not None:
        since = max(position - _BEHIND, now - _LONGEST)
        for rule in rules:
            try:
                found += _look(client, rule, since, now)
            except StoreUnavailableError:
                raise
            except StoreError as error:
                failed = error
    with store_errors("noting where the review rules are"):
        client.insert("review_positions", [[now]], column_names=["until"])
    if failed:
        raise failed
    return found


def _look(client: Client, rule: ReviewRule, since: datetime, now: datetime) -> int:
    """Store the cases of a rule in what has arrived between two times."""
    moments = {"since": since, "until": now, "oldest": now - _LONGEST, "hour": now - _HOUR}
    parameters: dict[str, Any] = {name: round(moment.timestamp() * 1000) for name, moment in moments.items()}
    parameters |= {"rule": rule.name, "per_hour": rule.per_hour}
    statement, texts = find_sql(rule)
    with store_errors(f"looking for the review rule {rule.name!r}"):
        before = _count(client, parameters)
        if before < rule.per_hour:
            parameters["most"] = rule.per_hour - before
            client.command(statement, parameters=parameters | texts)
        return _count(client, parameters) - before


def _count(client: Client, parameters: dict[str, Any]) -> int:
    """Cases of the rule in the last hour."""
    query = (
        "SELECT count() FROM review_cases FINAL "
        "WHERE rule = {rule:String} AND at > fromUnixTimestamp64Milli({hour:Int64}, 'UTC')"
    )
    return int(client.query(query, parameters=parameters).result_rows[0][0])
