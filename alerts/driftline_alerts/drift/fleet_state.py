"""All monitors as bytes, and back: exactly, so that a restart goes on as if nothing had happened."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift import codec
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.levels import ALL
from driftline_alerts.drift.moments import Moments
from driftline_alerts.drift.monitor import Alarm, Monitor, Question
from driftline_alerts.drift.recovery import Recovery
from driftline_alerts.drift.stream import StreamKey
from driftline_alerts.drift.trail import Trail
from driftline_alerts.drift.transform import Transform
from driftline_alerts.drift.tuning import USUAL, Tuning

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN: Final = (
    *("falls", "begun", "last", "built", "fitted", "restless", "bonus", "events", "inherited"),
    *("pinned", "arrived", "days"),
)
_OF_ALARM: Final = ("opened", "question", "is_paged", "effect")
_LENGTH: Final = 8


def dump(fleet: Fleet) -> bytes:
    """All of it."""
    heads, arrays = [], []
    for monitor in fleet.monitors.values():
        panel = []
        for one in monitor.panel:
            head, of_detector = codec.dump(one.detector)
            offsets = None if one.offsets is None else one.offsets.tolist()
            transform = asdict(one.transform) | {"levels": one.transform.levels.name}
            panel.append({"transform": transform, "detector": head, "offsets": offsets})
            arrays.append(of_detector)
        heads.append(_head(monitor) | {"panel": panel})
    text = json.dumps({"warm_up": fleet.warm_up, "monitors": heads}).encode()
    return len(text).to_bytes(_LENGTH, "big") + text + b"".join(arrays)


def load(data: bytes, tuning: Tuning = USUAL) -> Fleet:
    """The fleet that was dumped, as it is to be from now on."""
    whole = memoryview(data)
    end = _LENGTH + int.from_bytes(whole[:_LENGTH], "big")
    state, arrays = json.loads(bytes(whole[_LENGTH:end])), whole[end:]
    fleet = Fleet(state["warm_up"], tuning)
    for head in state["monitors"]:
        monitor = _monitor(head)
        for one in head["panel"]:
            detector, used = codec.load(one["detector"], arrays)
            arrays = arrays[used:]
            offsets = None if one["offsets"] is None else np.array(one["offsets"])
            monitor.panel.append(Question(_transform(one["transform"]), detector, offsets))
        fleet.add(monitor)
    return fleet


def _head(monitor: Monitor) -> dict[str, Any]:
    head: dict[str, Any] = {name: getattr(monitor, name) for name in _PLAIN}
    head |= {
        "bad": monitor.bad,
        "key": monitor.key.state(),
        "raw": list(monitor.raw.items()),
        "trail": asdict(monitor.trail),
    }
    if alarm := monitor.alarm:
        of_alarm: dict[str, Any] = {name: getattr(alarm, name) for name in _OF_ALARM}
        head["alarm"] = of_alarm | {"before": asdict(alarm.before), "recovery": alarm.recovery.state()}
    return head


def _monitor(head: Mapping[str, Any]) -> Monitor:
    # Of a chosen time whose end was not kept yet nothing is learned anew but its rhythm.
    known = {"pinned": head["begun"] if head.get("is_pinned") else 0.0, **head}
    plain: dict[str, Any] = {name: known[name] for name in _PLAIN}
    plain["bad"] = [(begin, end) for begin, end in head["bad"]]
    key = StreamKey.restored(head["key"])
    monitor = Monitor(key, raw=Counter(dict(head["raw"])), trail=Trail(**head["trail"]), **plain)
    if alarm := head.get("alarm"):
        of_alarm = {name: alarm[name] for name in _OF_ALARM}
        before, recovery = Moments(**alarm["before"]), Recovery.restored(alarm["recovery"])
        monitor.alarm = Alarm(before=before, recovery=recovery, **of_alarm)
    return monitor


def _transform(state: Mapping[str, Any]) -> Transform:
    return Transform(state["name"], ALL[state["levels"]], state["sign"], tuple(state["edges"]))
