"""Healthy traffic of three features in two prompt versions each, of which one gets worse at a random moment."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift.detection import Detection

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from driftline_alerts.drift.finding import Finding
    from driftline_store.client import Client

FEATURES: Final = ("checkout-help", "search-answers", "support-bot")
VERSIONS: Final = ("v4", "v5")
HOURS: Final = 5
A_MINUTE: Final = 50.0
"""Requests of each version of each feature."""
JUDGED: Final = 0.1
INSTRUMENT: Final = "f" * 16
_TABLES: Final = (
    *("llm_rollups", "judged_rollups", "alert_transitions"),
    *("drift_snapshots", "drift_events", "drift_findings", "drift_actions"),
)
_SEGMENT: Final = {"service": "shop", "environment": "production", "model": "gpt-5-mini", "prompt_name": "answer"}
_MINUTE: Final = timedelta(minutes=1)
_BEFORE: Final = timedelta(minutes=3)
_RESOLUTIONS: Final[dict[str, dict[str, Any]]] = {"minute": {}, "hour": {"minute": 0}, "day": {"minute": 0, "hour": 0}}

Key = tuple[datetime, str, str]
"""Minute, feature, prompt version."""


@dataclass(frozen=True)
class Injection:
    """What gets worse.

    Attributes:
        metric: ``error_rate``, ``fallback_rate`` or ``quality``.
        before: its level while healthy; ``after`` since ``start``.
    """

    feature: str
    version: str
    metric: str
    before: float
    after: float
    start: datetime

    @classmethod
    def drawn(cls, chance: random.Random, now: datetime) -> Injection:
        """One of them, 20 to 90 minutes old."""
        metric, before, after = chance.choice(_KINDS)
        start = now.replace(second=0, microsecond=0) - timedelta(minutes=chance.randrange(20, 90))
        return cls(chance.choice(FEATURES), chance.choice(VERSIONS), metric, before, after, start)

    def happened(self, client: Client, now: datetime, seed: int) -> None:
        """Store the traffic in place of what there was, the last of it as it comes, while drift detection looks on.

        Raises:
            StoreError: the store is away or fails a statement.
        """
        for table in _TABLES:
            client.command(f"TRUNCATE TABLE {table}")
        end = now.replace(second=0, microsecond=0)
        drawn = self._drawn(np.random.default_rng(seed), end)
        begin = self.start - _BEFORE
        _store(client, "arrival", {key: counts for key, counts in drawn.items() if key[0] < begin})
        detection = Detection.open(client, begin, budget=1.0, warm_up=3600.0, may_go_on=lambda: True)
        assert detection is not None
        found: list[Finding] = []
        while begin < end and not found:
            _store(client, "arrival", {key: drawn[key] for key in drawn if key[0] == begin})
            begin += _MINUTE
            found = detection.step(client, begin)
        for resolution, first in _RESOLUTIONS.items():
            whole: dict[Key, Counter[str]] = {}
            for (at, feature, version), counts in drawn.items():
                whole.setdefault((at.replace(**first), feature, version), Counter()).update(counts)
            _store(client, resolution, whole)

    def _drawn(self, rng: np.random.Generator, end: datetime) -> dict[Key, Counter[str]]:
        """What comes each minute of each feature and version, until ``end``."""
        drawn = {}
        for at, feature, version in itertools.product(_minutes(end), FEATURES, VERSIONS):
            is_hit = (feature, version) == (self.feature, self.version) and at >= self.start
            drawn[at, feature, version] = _counts(rng, _HEALTHY | ({self.metric: self.after} if is_hit else {}))
        return drawn


_KINDS: Final = (("error_rate", 0.02, 0.2), ("fallback_rate", 0.04, 0.25), ("quality", 0.9, 0.5))
_HEALTHY: Final = {metric: before for metric, before, _ in _KINDS}


def _minutes(end: datetime) -> list[datetime]:
    return [end - back * _MINUTE for back in range(HOURS * 60, 0, -1)]


def _counts(rng: np.random.Generator, levels: dict[str, float]) -> Counter[str]:
    requests = int(rng.poisson(A_MINUTE))
    judged = int(rng.binomial(requests, JUDGED))
    return Counter(
        requests=requests,
        errors=int(rng.binomial(requests, levels["error_rate"])),
        fallbacks=int(rng.binomial(requests, levels["fallback_rate"])),
        judged=judged,
        good=int(rng.binomial(judged, levels["quality"])),
    )


def _store(client: Client, resolution: str, counts: Mapping[Key, Counter[str]]) -> None:
    """Store the sums of each segment, and those of its judge."""
    rows = [_sums(key, of_key) for key, of_key in counts.items()]
    for number, table in enumerate(("llm_rollups", "judged_rollups")):
        full = [{"resolution": resolution, **row[number]} for row in rows]
        token = {"insert_deduplication_token": uuid.uuid4().hex}
        client.insert(table, [list(row.values()) for row in full], column_names=list(full[0]), settings=token)


def _sums(key: Key, counts: Counter[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row of the rollups and one of the judged rollups; the judge gives 1 or 0."""
    at, feature, version = key
    judged, good = counts["judged"], counts["good"]
    powers = {"w": judged / JUDGED, "ws": good / JUDGED, "w2": judged / JUDGED**2, "w2s": good / JUDGED**2}
    powers["w2s2"] = powers["w2s"]
    head = {"at": at, **_SEGMENT, "feature": feature, "prompt_version": version, "evaluator": INSTRUMENT}
    head["judged"] = judged
    requests = dict.fromkeys(("requests", "calls"), counts["requests"])
    errors = {"request_errors": counts["errors"], "request_error_classes": {"timeout": counts["errors"]}}
    levels = {level: n for level, n in ((20, good), (0, judged - good)) if n}
    scores = {"name": "quality", "unit": "request", "uniform_levels": levels, "base_levels": levels}
    sums = requests | errors | {"fallbacks": counts["fallbacks"]}
    return head | sums | {f"judged_{name}": value for name, value in powers.items()}, head | scores | powers
