"""Notices changes in the spans themselves: a value that a feature never had, after it had others."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from driftline_alerts.drift.events import Event, event_id
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse_connect.driver.client import Client

logger = logging.getLogger(__name__)

_SEED: Final = timedelta(days=1)
"""How far back values are taken for known when nothing is known yet."""

_LANDS: Final = 60.0
"""Seconds after the arrival of a span in which it may still become visible: as long as an insert takes, and more."""

_NEW: Final = 3600.0
"""Seconds in which what is new belongs to a feature that is new itself."""

_KNOWN: Final = 30 * 86400.0
"""Seconds after which a value that was not seen is new again."""

_MOST: Final = 100
"""Values of one group that are known. With so many in use they are no versions but ids, and none is an event."""

_ROWS: Final = 10_000


@dataclass(frozen=True)
class Watched:
    """One kind of change.

    Attributes:
        kind: as of the event.
        column: of the look whose new values it is.
        within: further columns by whose values these are told apart, beside environment and feature.
    """

    kind: str
    column: str
    within: tuple[str, ...] = ()


_WATCHED: Final = (
    Watched("prompt", "prompt_name"),
    Watched("prompt_version", "prompt_version", ("prompt_name",)),
    Watched("model", "asked_model"),
    # The same model is asked for, and another one answers.
    Watched("response_model", "response_model", ("asked_model",)),
    Watched("system_fingerprint", "fingerprint", ("asked_model", "response_model")),
    Watched("release", "release"),
)

_VALUES: Final = {
    "environment": "toString(environment)",
    "feature": "toString(feature)",
    "prompt_name": "toString(prompt_name)",
    "prompt_version": "toString(prompt_version)",
    "asked_model": "if(is_call, toString(firstNonDefault(request_model, model)), '')",
    "response_model": "if(is_call, toString(response_model), '')",
    "fingerprint": (
        "firstNonDefault(attributes['openai.response.system_fingerprint'], "
        "attributes['gen_ai.openai.response.system_fingerprint'])"
    ),
    "release": "toString(release)",
}

_LOOK: Final = f"""\
SELECT {", ".join(f"{sql} AS v{number}" for number, sql in enumerate(_VALUES.values()))},
    count() AS n, toUnixTimestamp64Milli(min(arrived)) / 1000, toUnixTimestamp64Milli(max(arrived)) / 1000
FROM llm_spans
WHERE arrived >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC') AND (is_call OR is_request)
GROUP BY {", ".join(f"v{number}" for number in range(len(_VALUES)))}
ORDER BY n DESC LIMIT {_ROWS}"""


@dataclass
class _Group:
    """The values of one kind in one feature.

    Attributes:
        since: when the first of them arrived, in seconds of Unix time.
        known: value -> when it was last seen.
        leading: the one that most had when it was last looked.
    """

    since: float
    known: dict[str, float] = field(default_factory=dict)
    leading: str = ""


@dataclass
class _Seen:
    n: int = 0
    first: float = float("inf")
    last: float = 0.0


@dataclass
class Noticer:
    """Follows the spans that arrive.

    Attributes:
        newest: latest arrival that was seen, in seconds of Unix time.
    """

    newest: float
    _groups: dict[tuple[str, ...], _Group] = field(default_factory=dict)

    @classmethod
    def starting(cls, now: datetime) -> Self:
        """One that knows nothing: its first look learns what is in use, and notices nothing."""
        return cls((now - _SEED).timestamp())

    def look(self, client: Client) -> list[Event]:
        """What changed in the spans that arrived since the last look; store it before this state is saved.

        Raises:
            StoreError: the store is away or fails the query; nothing was noted.
        """
        since = round((self.newest - _LANDS) * 1000)
        with store_errors("looking for what changed"):
            rows = client.query(_LOOK, parameters={"since": since}).result_rows
        if not rows:
            return []
        found = [event for group, seen in _grouped(rows).items() for event in self._note(group, seen)]
        self.newest = max(self.newest, *(row[-1] for row in rows))
        return sorted(found, key=lambda event: (event.at, event.id))

    def dump(self) -> bytes:
        """Its state, to be saved once its events are stored."""
        groups = [[key, group.since, group.known, group.leading] for key, group in self._groups.items()]
        return json.dumps({"newest": self.newest, "groups": groups}).encode()

    @classmethod
    def load(cls, data: bytes) -> Self:
        """The one whose state was dumped."""
        state = json.loads(data)
        return cls(state["newest"], {tuple(key): _Group(*group) for key, *group in state["groups"]})

    def _note(self, key: tuple[str, ...], seen: dict[str, _Seen]) -> list[Event]:
        first = min(one.first for one in seen.values())
        group = self._groups.setdefault(key, _Group(first))
        group.known = {value: at for value, at in group.known.items() if first - at < _KNOWN}
        new = {value: one for value, one in seen.items() if value not in group.known}
        crowded = len(group.known) + len(new) > _MOST
        found = [
            _event(key, group.leading, value, one)
            for value, one in new.items()
            if group.known and not crowded and one.first - group.since >= _NEW
        ]
        group.known |= {value: max(one.last, group.known.get(value, 0)) for value, one in seen.items()}
        latest = sorted(group.known, key=lambda value: group.known[value], reverse=True)[:_MOST]
        group.known = {value: group.known[value] for value in latest}
        group.leading = max(seen, key=lambda value: seen[value].n)
        return found


def _grouped(rows: Iterable[Sequence[Any]]) -> dict[tuple[str, ...], dict[str, _Seen]]:
    """Kind, environment, feature and what else tells groups apart -> value -> how often and when."""
    found: dict[tuple[str, ...], dict[str, _Seen]] = {}
    for row in rows:
        *values, n, first, last = row
        named = dict(zip(_VALUES, values, strict=True))
        for watched in _WATCHED:
            if value := named[watched.column]:
                key = (watched.kind, named["environment"], named["feature"], *(named[name] for name in watched.within))
                seen = found.setdefault(key, {}).setdefault(value, _Seen())
                seen.n += n
                seen.first, seen.last = min(seen.first, first), max(seen.last, last)
    return found


def _event(key: tuple[str, ...], before: str, after: str, seen: _Seen) -> Event:
    kind, environment, feature, *within = key
    at = datetime.fromtimestamp(seen.first, UTC)
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    segment = (("environment", environment), ("feature", feature))
    # What is noticed again after a crash may have an earlier first arrival by then, so the time is no part of the id.
    return Event(event_id(kind, segment, *within, after, f"{at:%Y-%m-%d}"), at, kind, segment, before, after, "noticed")
