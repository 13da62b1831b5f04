"""The imitation of Slack shows all that a message holds."""

from __future__ import annotations

import re
from html import unescape

from driftline_alerts.channels.slack_blocks import body
from message_pictures import story
from support.slack_page import page


def test_all_that_is_told_can_be_seen() -> None:
    opened, over = story()
    shown = unescape(re.sub(r"<[^>]+>", "", page([body(opened, buttons=True, repeat=True), body(over)])))
    quotes = [text for one in opened.examples for text in (one.value, one.why, one.asked, one.answered)]
    facts = [fact.value for fact in opened.facts if isinstance(fact.value, str)]
    labels = [link.label for link in opened.links]
    for text in (opened.headline, over.headline, *opened.sentences, *quotes, *facts, *labels, "Accept as new normal"):
        assert text in shown, text
    assert "may have been sent before" in shown
