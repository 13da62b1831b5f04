"""A message as a mail: plain text, and HTML for those who show it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from driftline_alerts.channels import words
from driftline_alerts.channels.chart import HEIGHT, WIDTH, alternative
from driftline_alerts.channels.sparkline import name, sparkline, spread
from driftline_alerts.plain import clean

if TYPE_CHECKING:
    from driftline_alerts.message import Message, Phase, Quote
    from driftline_alerts.rule import Severity

_SEVERITIES: Final[dict[Severity, str]] = {"critical": "#cf222e", "warning": "#bc4c00", "info": "#0969da"}
_PHASES: Final[dict[Phase, str]] = {"resolved": "#1a7f37", "sample": "#59636e"}
_TEXT: Final = "font:15px/22px system-ui,sans-serif"
_CELL: Final = "padding:3px 16px 3px 0;vertical-align:top"
_QUOTE: Final = "margin:8px 0;padding:0 0 0 12px;border-left:4px solid #d0d7de"


def plain(message: Message, *, repeat: bool) -> str:
    """The text, in lines as they come: mail programs break them."""
    facts = [f"{label}: {value}" for label, value in _facts(message)]
    course = []
    if message.series is not None and (bars := sparkline(message.series)):
        low, high = spread(message.series)
        course = [f"{name(message.series)}  {bars}  {low} to {high}"]
    examples = [line for one in message.examples for line in ("", *_lines(one), one.url)]
    parts = [
        [words.title(message)],
        facts,
        course,
        [clean(one) for one in message.sentences],
        ["For example:", *examples] if examples else [],
        [f"{clean(one.label)}: {one.url}" for one in message.links],
        [small_print(message, repeat=repeat)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def html(message: Message, *, repeat: bool, picture: str) -> str:
    """The same as a page.

    Args:
        message: what to tell.
        repeat: say that it may have been sent before.
        picture: content id of the chart; '' where there is none.
    """
    colour = _PHASES.get(message.phase, _SEVERITIES[message.severity])
    head = f"<h2 style='font-size:19px;line-height:26px;margin:0 0 12px'>{escape(words.title(message))}</h2>"
    facts = "".join(
        f"<tr><td style='{_CELL};white-space:nowrap'><b>{escape(label)}</b></td>"
        f"<td style='{_CELL}'>{escape(value)}</td></tr>"
        for label, value in _facts(message)
    )
    parts = [
        head,
        f"<table style='{_TEXT};border-collapse:collapse'>{facts}</table>",
        _picture(message, picture),
        *(f"<p style='margin:10px 0'>{escape(clean(one))}</p>" for one in message.sentences),
        *(_quote(one) for one in message.examples),
        _links(message),
        f"<p style='font-size:13px;color:#7d8590'>{escape(small_print(message, repeat=repeat))}</p>",
    ]
    body = "".join(parts)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='color-scheme' content='light dark'></head>"
        f"<body style='{_TEXT};margin:0;padding:16px'>"
        f"<div style='max-width:640px;border-left:6px solid {colour};padding-left:16px'>{body}</div></body></html>"
    )


def small_print(message: Message, *, repeat: bool) -> str:
    """The last line."""
    said = f"Driftline, incident {clean(message.incident)}"
    return f"{said}. {words.REPEAT}" if repeat else said


def _facts(message: Message) -> list[tuple[str, str]]:
    place = [(words.WHERE, words.place(message))] if words.shows_segment(message) else []
    return [*place, *((clean(one.label), words.shown(one.value)) for one in message.facts)]


def _lines(quote: Quote) -> list[str]:
    return [f"{lead} {rest}".strip() for lead, rest in words.said(quote)]


def _picture(message: Message, picture: str) -> str:
    if not picture or message.series is None:
        return ""
    words_ = escape(alternative(message.series), quote=True)
    size = f"width='{WIDTH}' height='{HEIGHT}'"
    return f"<p style='margin:12px 0'><img src='cid:{picture}' {size} alt='{words_}' style='max-width:100%'></p>"


def _quote(quote: Quote) -> str:
    lines = [f"<b>{escape(lead)}</b> {escape(rest)}".strip() for lead, rest in words.said(quote)]
    lines.append(_link(quote.url, "open the request"))
    return f"<blockquote style='{_QUOTE}'>{'<br>'.join(lines)}</blockquote>"


def _links(message: Message) -> str:
    shown = " &nbsp; ".join(_link(one.url, clean(one.label)) for one in message.links)
    return f"<p style='margin:14px 0'>{shown}</p>" if shown else ""


def _link(url: str, label: str) -> str:
    """Only the web can be linked to."""
    is_web = url.startswith(("https://", "http://"))
    return f"<a href='{escape(url, quote=True)}'>{escape(label)}</a>" if is_web else escape(label)
