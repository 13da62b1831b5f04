"""Parts of Slack's Block Kit, each within Slack's limits and with no text that Slack would read as markup.

Limits: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.channels.words import clock
from driftline_alerts.plain import clean, short

if TYPE_CHECKING:
    from datetime import datetime

Block = dict[str, Any]

HEADER: Final = 150
SECTION: Final = 3000
FIELD: Final = 2000
FIELDS: Final = 10
"""Most of one section."""

_LONGEST_LINK: Final = 500
# The characters of RFC 3986; whatever else stands in an address has to be encoded.
_LINK: Final = re.compile(r"https?://[\w.~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)
# Signs that begin or end a format in mrkdwn, and what looks like them.
_ALIKE: Final = str.maketrans({"*": "∗", "~": "∼", "`": "'"})
_ITALIC: Final = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_EMOJI: Final = re.compile(r"(?<![0-9]):(?=[a-z0-9_+'-]+:)|:(?=[0-9]*[a-z_+'-][a-z0-9_+'-]*:)")  # but no time of day


def escape(text: str) -> str:
    """Slack's three control characters, as its documentation asks; so nothing can mention or link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(text: str, most: int) -> str:
    """A text for mrkdwn in which nothing is a format, a quote, an emoji, a link or a mention.

    Args:
        text: written by anybody.
        most: characters before it is escaped, which can make five of one.
    """
    kept = short(clean(text), most).translate(_ALIKE)
    kept = _EMOJI.sub("꞉", _ITALIC.sub("ˍ", kept))
    return escape(re.sub("^>+", "›", kept))


def code(text: str, most: int) -> str:
    """A value set off from the text, in which no sign is markup."""
    kept = short(clean(text), most).replace("`", "'")
    return f"`{escape(kept)}`" if kept else "(none)"


def time(moment: datetime) -> str:
    """Shown by Slack in the reader's own time zone; the text after the bar where it cannot."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{clock(moment)}>"


def header(sign: str, text: str) -> Block:
    """The large first line."""
    # The sign is an emoji by its name, so names in the text must be none.
    shown = f"{sign} {short(_EMOJI.sub('꞉', text), HEADER - len(sign) - 1)}"
    return {"type": "header", "text": {"type": "plain_text", "text": shown, "emoji": True}}


def plain(text: str) -> Block:
    """A paragraph that is shown as it is."""
    return {"type": "section", "text": {"type": "plain_text", "text": short(text, SECTION), "emoji": False}}


def fields(texts: list[str]) -> list[Block]:
    """Two columns of mrkdwn, in as many sections as they need."""
    parts = [{"type": "mrkdwn", "text": text, "verbatim": True} for text in texts]
    starts = range(0, len(parts), FIELDS)
    return [{"type": "section", "fields": parts[start : start + FIELDS]} for start in starts]


def context(text: str) -> Block:
    """A small grey line."""
    return {"type": "context", "elements": [{"type": "plain_text", "text": text, "emoji": False}]}


def rich(kind: str, *elements: Block) -> Block:
    """Text whose parts are told apart by their structure, so that nothing in them is read as markup.

    Args:
        kind: such as ``rich_text_quote``.
        elements: of ``text``, ``link`` and ``date``.
    """
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(elements)}]}


def text(words: str, **style: bool) -> Block:
    """A part of rich text, in styles such as ``bold`` or ``code``."""
    return {"type": "text", "text": words, **({"style": style} if style else {})}


def link(url: str, label: str) -> Block | None:
    """A part of rich text; None where the address is none that can be opened, or very long."""
    if len(url) > _LONGEST_LINK or not _LINK.fullmatch(url):
        return None
    return {"type": "link", "url": url, "text": label}


def date(moment: datetime) -> Block:
    """A part of rich text, in the reader's own time zone."""
    shown = {"format": "{date_short_pretty} {time}", "fallback": clock(moment)}
    return {"type": "date", "timestamp": int(moment.timestamp()), **shown}
