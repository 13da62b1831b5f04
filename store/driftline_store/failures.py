"""What went wrong between us and the store, in one sentence, and whether trying again may help."""

from __future__ import annotations

import re

from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from clickhouse_connect.driver.exceptions import OperationalError
from urllib3.exceptions import HTTPError

from driftline.errors import StoreError

# Codes of ClickHouse that pass by themselves.
_TRANSIENT_CODES = frozenset(
    {
        75,  # CANNOT_WRITE_TO_FILE_DESCRIPTOR: mostly a full disk
        159,  # TIMEOUT_EXCEEDED
        160,  # TOO_SLOW
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        285,  # TOO_FEW_LIVE_REPLICAS
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        425,  # SYSTEM_ERROR
        439,  # CANNOT_SCHEDULE_TASK: also the embedded store while it stops
        745,  # SERVER_OVERLOADED
        999,  # KEEPER_EXCEPTION
    }
)
_REMEDIES = {
    516: "refuses the login; correct user and password in the setting 'store'",
    194: "refuses the login; correct user and password in the setting 'store'",
    193: "refuses the login; correct user and password in the setting 'store'",
    192: "refuses the login; correct user and password in the setting 'store'",
    497: "denies this user a right that is needed; grant it",
    81: "has no such database; create it, or correct the setting 'store'",
    60: "lacks a table; update the schema by starting driftline once",
}
_GATEWAY = re.compile(r"HTTP status (?:429|5\d\d)\b")


class StoreUnavailableError(StoreError):
    """The store cannot be reached or is too busy now; trying again later may help."""


def is_transient(error: BaseException) -> bool:
    """Whether what failed may succeed by itself later: connection lost, timeout, restart, overload.

    Repeat an insert only with the same deduplication token: it may have been stored all the same.

    Args:
        error: raised by a clickhouse-connect client, by `connect` or within `store_errors`.
    """
    if isinstance(error, StoreUnavailableError | ConnectionError | TimeoutError | HTTPError):
        return True
    if not isinstance(error, ClickHouseError):
        return False
    if error.code is not None:
        return error.code in _TRANSIENT_CODES
    return isinstance(error, OperationalError) or bool(_GATEWAY.search(str(error)))


def translate(error: Exception, store: str) -> StoreError:
    """Make one sentence of an error of the client.

    Args:
        error: what clickhouse-connect raised.
        store: names the store, with host and port if known; starts the sentence.
    """
    code = error.code if isinstance(error, ClickHouseError) else None
    if is_transient(error):
        why = f"is too busy now (ClickHouse code {code})" if code else f"does not answer ({_reason(error)})"
        return StoreUnavailableError(f"{store} {why}; check that it runs and that its address is right")
    if code in _REMEDIES:
        return StoreError(f"{store} {_REMEDIES[code]} (ClickHouse code {code})")
    if code is not None:
        return StoreError(f"{store} failed a statement: {_first_line(error)}")
    return StoreError(f"{store} did not answer as ClickHouse does ({type(error).__name__}); check host and port")


def _reason(error: BaseException) -> str:
    # Texts of the HTTP library carry whole URLs with values in them, so only its kind of error is told.
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 6:
        chain.append(f"{type(cause).__name__} {cause}".lower())
        cause = getattr(cause, "reason", None) or cause.__cause__
        cause = cause if isinstance(cause, BaseException) else None
    text = " ".join(chain)
    known = (
        "refused",
        "timed out",
        "resolve",
        "certificate",
        "reset",
        "aborted",
        "unreachable",
    )
    words = {"refused": "connection refused", "resolve": "unknown host"}
    return next((words.get(sign, sign) for sign in known if sign in text), "connection lost")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:500]
