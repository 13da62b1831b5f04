"""What was acknowledged against what is stored: the only place that knows the store's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from driftline_store.client import Client
    from faults.load import Sent

_SPANS = (
    "SELECT reinterpretAsUInt64(reverse(unhex(span_id))) AS number, count() FROM llm_spans "
    "WHERE number >= {first:UInt64} GROUP BY number"
)
_TOTALS = (
    "SELECT (SELECT count() FROM llm_spans), "
    "(SELECT sum(requests) FROM llm_rollups WHERE resolution = 'day'), "
    "(SELECT sum(calls) FROM llm_rollups WHERE resolution = 'day'), "
    "(SELECT sum(arraySum(mapValues(call_seconds))) FROM llm_rollups WHERE resolution = 'day')"
)
_LETTERS = "SELECT lower(hex(SHA256(value))), count() FROM dead_letters WHERE at >= {since:DateTime64(3)} GROUP BY 1"
_NOW = "SELECT now64(3)"


def now(client: Client) -> object:
    """The store's time."""
    return client.query(_NOW).result_rows[0][0]


def differences(client: Client, sent: Sent, *, first: int, since: object) -> list[str]:
    """What is wrong, in words; nothing if nothing is.

    Args:
        client: of the store.
        sent: in this round.
        first: number of its first span.
        since: the store's time when it began.
    """
    spans = {int(number): int(count) for number, count in client.query(_SPANS, parameters={"first": first}).result_rows}
    letters = {str(name): int(count) for name, count in client.query(_LETTERS, {"since": since}).result_rows}
    found = _compare("spans", spans, sent.acknowledged, sent.unknown)
    found += _compare("dead letters", letters, sent.poison, sent.unknown_poison)
    stored, requests, calls, histogram = map(int, client.query(_TOTALS).result_rows[0])
    if not stored == requests == calls == histogram:
        found.append(
            f"{stored} spans are stored in all rounds, but the rollups count {requests} requests, {calls} calls and "
            f"{histogram} durations"
        )
    return found


def _compare(what: str, stored: dict[Any, int], known: set[Any], unknown: set[Any]) -> list[str]:
    found = []
    if lost := known - stored.keys():
        found.append(f"{len(lost)} {what} were acknowledged and are lost, such as {min(lost)}")
    if doubled := [one for one, count in stored.items() if count > 1]:
        found.append(f"{len(doubled)} {what} are stored more than once, such as {min(doubled)}")
    if strange := stored.keys() - known - unknown:
        found.append(f"{len(strange)} {what} were never sent, such as {min(strange)}")
    return found
