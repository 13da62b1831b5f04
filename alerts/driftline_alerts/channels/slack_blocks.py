"""A message as Slack shows it: Block Kit, with plain text for notifications."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.channels import words
from driftline_alerts.channels.slack_text import (
    Block,
    code,
    context,
    date,
    escape,
    fields,
    header,
    link,
    literal,
    plain,
    rich,
    text,
    time,
)
from driftline_alerts.channels.sparkline import name, number, sparkline, spread
from driftline_alerts.plain import clean, short

if TYPE_CHECKING:
    from driftline_alerts.message import Fact, Message, Phase, Quote, Series
    from driftline_alerts.rule import Severity

SIZE: Final = 12_000
"""Most characters of all blocks as JSON. Slack's own limit is not documented; from some 13,200 on it says
``msg_blocks_too_long`` (https://github.com/slackapi/bolt-js/issues/2509)."""

_SEVERITIES: Final[dict[Severity, str]] = {
    "critical": ":red_circle:",
    "warning": ":large_orange_circle:",
    "info": ":large_blue_circle:",
}
_PHASES: Final[dict[Phase, str]] = {
    "acknowledged": ":eyes:",
    "resolved": ":white_check_mark:",
    "sample": ":test_tube:",
}
_SHARES: Final = (1.0, 0.5, 0.25, 0.1)
"""Of the room that each part has, tried in turn until the message is small enough."""

_ASKING: Final[dict[Phase, bool]] = {"opened": True, "update": True, "acknowledged": True}
"""Phases in which there is something to be done."""

BUTTONS: Final = {"acknowledge": "Acknowledge", "silence": "Silence for 1 h", "accept": "Accept as new normal"}
"""What people can ask for, and the button's text."""


@dataclass(frozen=True)
class _Room:
    """How much of a message is shown.

    Attributes:
        share: of the lengths below.
    """

    share: float

    def __call__(self, most: int) -> int:
        return max(int(most * self.share), 1)


def body(message: Message, *, repeat: bool = False, buttons: bool = False) -> dict[str, Any]:
    """What is posted to Slack.

    Args:
        message: what to tell.
        repeat: say that it may have been sent before.
        buttons: offer what can be done; somebody has to listen for it.
    """
    for share in _SHARES:
        blocks = _blocks(message, _Room(share), repeat=repeat, buttons=buttons)
        if len(json.dumps(blocks, ensure_ascii=False)) <= SIZE:
            break
    title = words.title(message)
    says_where = any(f"{name} {value}" in title for name, value in words.segment(message))
    notice = title if says_where or message.is_system else f"{title} ({words.place(message)})"
    return {"text": escape(short(notice, 500)), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _blocks(message: Message, room: _Room, *, repeat: bool, buttons: bool) -> list[Block]:
    sign, title = _PHASES.get(message.phase, _SEVERITIES[message.severity]), words.title(message)
    head = header(sign, title)
    blocks = [head]
    if head["text"]["text"].endswith("…"):
        blocks.append(plain(short(title, room(1000))))
    blocks += fields(_facts(message, room))
    if message.series is not None and sparkline(message.series):
        blocks.append(_chart(message.series))
    if sentences := "\n".join(filter(None, map(clean, message.sentences))):
        blocks.append(plain(short(sentences, room(2500))))
    blocks += _examples(message, room)
    if links := _links(message, room):
        blocks.append(links)
    if buttons and message.phase in _ASKING:
        blocks.append(_actions(message))
    blocks.append(context(_small_print(message, repeat=repeat)))
    return blocks


def _facts(message: Message, room: _Room) -> list[str]:
    shown = [_fact(one, room) for one in message.facts[: room(14)]]
    if not words.shows_segment(message):
        return shown
    pairs = [f"{literal(key, 30)} {code(value, room(60))}" for key, value in words.segment(message)[: room(8)]]
    return ["\n".join((f"*{words.WHERE}*", *(pairs or ["everything"]))), *shown]


def _fact(fact: Fact, room: _Room) -> str:
    value = literal(fact.value, room(150)) or "(none)" if isinstance(fact.value, str) else time(fact.value)
    return f"*{literal(fact.label, 40)}*\n{value}"


def _chart(series: Series) -> Block:
    low, high = spread(series)
    first, last = series.points[0][0], series.points[-1][0]
    hours = (last - first).total_seconds() / 3600
    over = f"{hours:.0f} h" if hours >= 2 else f"{hours * 60:.0f} min"
    limit = "" if series.limit is None else f", against {number(series, series.limit)}"
    return rich(
        "rich_text_section",
        text(f"{short(name(series), 60)}  ", bold=True),
        text(sparkline(series), code=True),
        text(f"  {low} to {high} in {over}{limit}; | marks "),
        date(series.started),
    )


def _examples(message: Message, room: _Room) -> list[Block]:
    if not message.examples:
        return []
    most = min(room(3), len(message.examples))
    head = rich("rich_text_section", text("The worst of it" if most > 1 else "An example of it", bold=True))
    return [head, *(_quote(one, room) for one in message.examples[:most])]


def _quote(quote: Quote, room: _Room) -> Block:
    parts: list[Block] = []
    for lead, rest in words.said(quote):
        parts += [text(f"{short(lead, 40)} ", bold=True)] if lead else []
        parts.append(text(f"{short(rest, room(250))}\n"))
    parts.append(link(quote.url, "open the request") or text("its address cannot be shown"))
    return rich("rich_text_quote", *parts)


def _links(message: Message, room: _Room) -> Block | None:
    parts: list[Block] = []
    for one in message.links[: room(4)]:
        if shown := link(one.url, short(clean(one.label), 60) or "open"):
            parts += [text("  ·  ")] if parts else []
            parts.append(shown)
    return rich("rich_text_section", *parts) if parts else None


def _actions(message: Message) -> Block:
    offered = {kind: label for kind, label in BUTTONS.items() if kind != "accept" or message.can_accept}
    return {"type": "actions", "elements": [_button(kind, label, message) for kind, label in offered.items()]}


def _button(kind: str, label: str, message: Message) -> Block:
    return {
        "type": "button",
        "action_id": kind,
        "value": short(message.incident, 200),
        "text": {"type": "plain_text", "text": label},
    }


def _small_print(message: Message, *, repeat: bool) -> str:
    said = f"Driftline, incident {short(clean(message.incident), 80)}"
    return f"{said}. {words.REPEAT}" if repeat else said
