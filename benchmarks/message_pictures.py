"""Messages about a made-up incident, or those that Slack got, to be looked at.

    python benchmarks/message_pictures.py [--quick] [--bodies FILE] [--pictures FOLDER]

FILE holds what was posted to Slack, one JSON a line. The pictures are drawn by an imitation of Slack in Chromium, which
has to be there, except for the chart, which is what channels attach. Without a folder the text is printed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.channels.chart import chart
from driftline_alerts.channels.mail_text import plain
from driftline_alerts.channels.sample import sample
from driftline_alerts.channels.slack_blocks import body
from driftline_alerts.message import Fact, Quote
from support.chromium import chromium
from support.slack_page import page

if TYPE_CHECKING:
    from driftline_alerts.message import Message

_NOW: Final = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def story() -> list[Message]:
    """How an incident begins and ends."""
    made = sample("support", _NOW)
    opened = replace(
        made,
        phase="opened",
        severity="critical",
        can_accept=True,
        sentences=(
            "All that moved has prompt_version v2, and nothing else has. Not affected: feature search.",
            "The judge scores its anchors as before, so it is the answers that changed.",
        ),
        examples=(
            *made.examples,
            Quote(
                url=made.examples[0].url,
                value="0.20",
                why="Ignores that the customer asked about a gift card.",
                asked="Can I pay the shipping with my gift card?",
                answered="Shipping is free above 50 EUR.",
            ),
        ),
    )
    over = replace(
        opened,
        phase="resolved",
        headline="Quality of feature checkout, prompt_version v2 is back: it was 0.812, and is 0.927 now",
        facts=(made.facts[0], Fact("Over", _NOW + timedelta(hours=1)), Fact("Acknowledged by", "mara")),
        sentences=(),
        examples=(),
        series=None,
    )
    return [opened, over]


def photograph(bodies: list[dict[str, Any]], path: Path) -> None:
    """Messages as one picture.

    Raises:
        SystemExit: there is no Chromium.
    """
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 680, "height": 100}, device_scale_factor=1.5)
        tab.set_content(page(bodies))
        tab.screenshot(path=path, full_page=True)


def main() -> None:
    """Print or draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the same, as it takes no time")
    parser.add_argument("--bodies", type=Path, help="file with what Slack got")
    parser.add_argument("--pictures", type=Path, help="folder to draw them into")
    options = parser.parse_args()
    told = story()
    if options.pictures is None:
        print("\n".join(plain(message, repeat=False) for message in told))
        return
    given = options.bodies.read_text(encoding="utf-8").splitlines() if options.bodies else []
    bodies = [json.loads(line) for line in given] or [body(message, buttons=True) for message in told]
    photograph(bodies, options.pictures / "slack-message.png")
    picture = chart(told[0].series) if told[0].series else None
    if picture and not given:
        (options.pictures / "alert-chart.png").write_bytes(picture)


if __name__ == "__main__":
    main()
