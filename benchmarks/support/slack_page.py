"""A message to Slack as a page that looks much as Slack shows it: made to be looked at, not by Slack."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

Node = dict[str, Any]

_EMOJI: Final = {
    ":red_circle:": "#e01e5a",
    ":large_orange_circle:": "#f2952f",
    ":large_blue_circle:": "#36a3eb",
    ":white_check_mark:": "#2eb67d",
    ":eyes:": "#8d8d8d",
    ":test_tube:": "#8d8d8d",
}
"""Drawn as dots of a colour, as not every machine has a font for them."""

_STYLE: Final = """
body { font: 15px/22px Lato, 'Noto Sans', 'DejaVu Sans', sans-serif; color: #1d1c1d; margin: 20px; width: 640px }
h3 { font-size: 18px; line-height: 24px; margin: 4px 0 } p { margin: 6px 0 }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; margin: 8px 0 }
code { font: 12px/16px 'DejaVu Sans Mono', monospace; color: #c01343; background: #f6f6f6; border: 1px solid #ddd;
  border-radius: 3px; padding: 1px 3px }
blockquote { border-left: 4px solid #ddd; margin: 6px 0; padding-left: 12px }
.context { font-size: 13px; color: #616061 } a { color: #1264a3; text-decoration: none }
.button { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: 4px 12px; margin-right: 8px;
  font-weight: bold; font-size: 13px }
.dot { display: inline-block; width: 14px; height: 14px; border-radius: 7px; margin-right: 4px }
.message { border-bottom: 1px solid #ddd; padding: 12px 0 }
"""


def page(bodies: list[Node]) -> str:
    """Messages below each other.

    Args:
        bodies: what was posted, with ``blocks``.
    """
    shown = "".join(f"<div class='message'>{''.join(map(_block, body['blocks']))}</div>" for body in bodies)
    return f"<!doctype html><meta charset='utf-8'><style>{_STYLE}</style>{shown}"


def _block(block: Node) -> str:
    return _BLOCKS[block["type"]](block)


def _header(block: Node) -> str:
    shown = escape(block["text"]["text"])
    for name, colour in _EMOJI.items():
        shown = shown.replace(name, f"<span class='dot' style='background:{colour}'></span>")
    return f"<h3>{shown}</h3>"


def _section(block: Node) -> str:
    fields = "".join(f"<div>{_text(field)}</div>" for field in block.get("fields", []))
    text = f"<p>{_text(block['text'])}</p>" if "text" in block else ""
    return text + (f"<div class='fields'>{fields}</div>" if fields else "")


def _text(part: Node) -> str:
    if part["type"] == "plain_text":
        return escape(part["text"]).replace("\n", "<br>")
    # Slack's own escapes are HTML's.
    shown = re.sub(r"<!date\^(\d+)\^[^|]*\|[^>]*>", lambda found: _clock(int(found[1])), part["text"])
    shown = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", shown)
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", shown).replace("\n", "<br>")


def _rich(block: Node) -> str:
    (part,) = block["elements"]
    inner = "".join(map(_element, part["elements"]))
    return f"<blockquote>{inner}</blockquote>" if part["type"] == "rich_text_quote" else f"<p>{inner}</p>"


def _element(one: Node) -> str:
    if one["type"] == "date":
        return _clock(one["timestamp"])
    if one["type"] == "link":
        return f"<a href='#'>{escape(one['text'])}</a>"
    shown = escape(one["text"]).replace("\n", "<br>").replace("  ", "&nbsp; ")
    for style, tag in (("bold", "b"), ("code", "code")):
        shown = f"<{tag}>{shown}</{tag}>" if one.get("style", {}).get(style) else shown
    return shown


def _actions(block: Node) -> str:
    shown = "".join(f"<span class='button'>{escape(one['text']['text'])}</span>" for one in block["elements"])
    return f"<p>{shown}</p>"


def _context(block: Node) -> str:
    return "".join(f"<p class='context'>{_text(one)}</p>" for one in block["elements"])


def _clock(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%b %d at %H:%M}"


_BLOCKS: Final = {
    "header": _header,
    "section": _section,
    "rich_text": _rich,
    "actions": _actions,
    "context": _context,
}
