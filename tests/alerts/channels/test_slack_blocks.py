"""Messages block by block, and Slack's limits for any message whatever."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from channel_messages import NOW, told
from driftline_alerts.channels.slack_blocks import body
from driftline_alerts.channels.slack_text import code, literal
from driftline_alerts.message import Fact, Link, Message, Quote, Series

HOSTILE = "<!channel> <https://evil.example|x> & *b* _i_ ~s~ `c` :fire: https://evil.example \u202eolleh\u2066\x07\x00"


def texts(blocks: list[dict[str, Any]], kind: str) -> list[str]:
    """All texts of one kind, such as ``mrkdwn``, in any depth."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == kind:
                found.append(node["text"])
            node = list(node.values())
        for one in node if isinstance(node, list) else []:
            walk(one)

    walk(blocks)
    return found


def test_a_message_says_first_what_happened_and_then_where_and_since_when() -> None:
    blocks = body(told())["blocks"]
    fell = "Quality of feature checkout, prompt_version v2 fell from 0.930 to 0.812 (0.790 to 0.834)"
    assert blocks[0]["text"]["text"] == f":red_circle: Critical: {fell}"
    fields = [field["text"] for field in blocks[1]["fields"]]
    assert fields[0] == "*Where*\nservice `shop`\nfeature `checkout`\nprompt_version `v2`"
    assert fields[1] == "*Since*\n<!date^1772352030^{date_short_pretty} {time}|2026-03-01 08:00 UTC>"
    assert fields[2] == "*Based on*\n1,204 judged answers"


def test_what_a_segment_leaves_open_is_not_shown() -> None:
    fields = body(told(segment=(("service", ""), ("feature", "checkout")), facts=()))["blocks"][1]["fields"]
    assert [field["text"] for field in fields] == ["*Where*\nfeature `checkout`"]
    fields = body(told(segment=(("service", ""),), facts=()))["blocks"][1]["fields"]
    assert [field["text"] for field in fields] == ["*Where*\neverything"]


def test_of_driftline_itself_it_is_not_said_where() -> None:
    said = body(told(is_system=True, segment=(), headline="Dead letters: 3, above 0", facts=(Fact("Rule", "dead"),)))
    assert said["text"] == "Critical: Dead letters: 3, above 0"
    assert [field["text"] for field in said["blocks"][1]["fields"]] == ["*Rule*\ndead"]


def test_where_a_fact_names_several_places_the_first_is_not_shown_beside_them() -> None:
    fields = body(told(facts=(Fact("Where", "feature a; feature b"),)))["blocks"][1]["fields"]
    assert [field["text"] for field in fields] == ["*Where*\nfeature a; feature b"]


def test_the_course_is_drawn_in_characters_with_its_range_and_its_begin() -> None:
    (chart,) = [
        block for block in body(told())["blocks"] if "Quality" in json.dumps(block) and block["type"] == "rich_text"
    ]
    name, bars, spread, began = chart["elements"][0]["elements"]
    assert (name["text"], bars["style"]) == ("Quality  ", {"code": True})
    assert bars["text"].index("|") == 20
    assert spread["text"] == "  0.800 to 0.940 in 24 h, against 0.850; | marks "
    assert (began["type"], began["timestamp"]) == ("date", 1772352030)


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"severity": "warning"}, ":large_orange_circle: Warning: "),
        ({"severity": "info"}, ":large_blue_circle: Info: "),
        ({"phase": "update"}, ":red_circle: Update: "),
        ({"phase": "acknowledged"}, ":eyes: Acknowledged: "),
        ({"phase": "resolved"}, ":white_check_mark: Resolved: "),
        ({"phase": "sample"}, ":test_tube: Sample: "),
    ],
)
def test_a_sign_and_a_word_say_how_it_stands(change: dict[str, Any], sign: str) -> None:
    assert body(told(**change))["blocks"][0]["text"]["text"].startswith(f"{sign}Quality of")


def test_a_headline_that_is_too_long_for_the_head_stands_whole_below_it() -> None:
    blocks = body(told(headline="x " * 100 + "end"))["blocks"]
    assert len(blocks[0]["text"]["text"]) <= 150
    assert blocks[1]["text"]["text"].endswith("end")


def test_the_notification_is_one_line_with_the_segment() -> None:
    said = body(told(headline="a & b"))["text"]
    assert said == "Critical: a &amp; b (service shop, feature checkout, prompt_version v2)"


def test_a_repeat_says_so_and_other_messages_do_not() -> None:
    last = [body(told(), repeat=repeat)["blocks"][-1] for repeat in (True, False)]
    assert [one["type"] for one in last] == ["context", "context"]
    assert ["may have been sent before" in one["elements"][0]["text"] for one in last] == [True, False]
    assert told().incident in last[1]["elements"][0]["text"]


@pytest.mark.parametrize(
    ("change", "offered"),
    [
        ({}, ["acknowledge", "silence", "accept"]),
        ({"can_accept": False}, ["acknowledge", "silence"]),
        ({"phase": "resolved"}, []),
        ({"phase": "sample"}, []),
    ],
)
def test_what_can_be_done_is_offered_while_it_can(change: dict[str, Any], offered: list[str]) -> None:
    message = told(**change)
    actions = [block for block in body(message, buttons=True)["blocks"] if block["type"] == "actions"]
    assert [one["action_id"] for block in actions for one in block["elements"]] == offered
    assert all(one["value"] == message.incident for block in actions for one in block["elements"])
    assert not any(block["type"] == "actions" for block in body(message)["blocks"])


def test_nothing_that_was_written_by_others_is_read_as_markup() -> None:
    quote = Quote("https://drift.example/", HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    message = told(
        headline=HOSTILE,
        segment=(("feature", HOSTILE),),
        facts=(Fact(HOSTILE, HOSTILE),),
        sentences=(HOSTILE,),
        examples=(quote,),
        links=(Link(HOSTILE, "https://drift.example/"), Link("x", "javascript:alert(1)"), Link("y", "https://a/|b>")),
    )
    said = body(message)
    assert not re.search(r"<[!h]", said["text"])
    where, fact = texts(said["blocks"], "mrkdwn")
    assert where.startswith("*Where*\nfeature `&lt;!channel&gt; &lt;https://evil.example|x&gt; &amp; *b* _i_ ~s~ 'c' ")
    assert where.count("`") == 2
    assert re.fullmatch(r"\*[^*<>_~`]+\*\n[^*<>~`]+", fact)
    assert not re.search(r":fire:|_i_", fact)
    assert all(part["verbatim"] for block in said["blocks"] for part in block.get("fields", []))
    assert re.findall(r'"url": "([^"]*)"', json.dumps(said)) == ["https://drift.example/"] * 2
    assert not re.search(r"\\u202e|\\u2066|\\u0007|\\u0000", json.dumps(said))
    for part in ("plain_text", "text"):  # literal by their kind
        assert any("<!channel>" in one for one in texts(said["blocks"], part))


@pytest.mark.parametrize("raw", ["*b*", "_i_", "~s~", "`c`", ":fire:", ">quote", "<!here>", "<@U1>", "a _i_, (_i_)"])
def test_a_literal_text_holds_nothing_that_formats(raw: str) -> None:
    assert not re.search(r"[*~`<>]|:fire:|^&gt;|(?<!\w)_|_(?!\w)", literal(raw, 100))


def test_names_stay_as_they_are() -> None:
    assert literal("prompt_version v1 -> v2 at 10:58:00", 100) == "prompt_version v1 -&gt; v2 at 10:58:00"
    assert code("  a\n`b`  ", 100) == "`a 'b'`"
    assert code("\u200b", 100) == "(none)"


anything = st.text(max_size=30) | st.sampled_from(["&" * 4000, '"' * 4000, "<" * 300, "_ " * 2000, "\\" * 4000, ""])
moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
values = st.none() | st.floats()
points = st.lists(values, min_size=1, max_size=90).map(
    lambda found: tuple((NOW + timedelta(minutes=number), value) for number, value in enumerate(found))
)
series = st.builds(Series, st.sampled_from(["quality", "spend", "karma"]), points, values, moments)
messages = st.builds(
    Message,
    id=st.just("m"),
    incident=anything,
    phase=st.sampled_from(["opened", "update", "acknowledged", "resolved", "sample"]),
    severity=st.sampled_from(["info", "warning", "critical"]),
    headline=anything,
    segment=st.lists(st.tuples(anything, anything), max_size=12).map(tuple),
    facts=st.lists(st.builds(Fact, anything, anything | moments), max_size=40).map(tuple),
    sentences=st.lists(anything, max_size=12).map(tuple),
    examples=st.lists(st.builds(Quote, anything, anything, anything, anything, anything), max_size=3).map(tuple),
    series=st.none() | series,
    links=st.lists(st.builds(Link, anything, anything), max_size=8).map(tuple),
    at=moments,
    can_accept=st.booleans(),
)


# Without shrinking: of such large messages it takes minutes, and making them is slow on a busy machine.
@settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(messages, st.booleans(), st.booleans())
def test_any_message_keeps_slacks_limits(message: Message, repeat: bool, buttons: bool) -> None:
    said = body(message, repeat=repeat, buttons=buttons)
    blocks = said["blocks"]
    assert len(blocks) <= 50
    assert len(json.dumps(blocks, ensure_ascii=False)) <= 13_000
    assert 1 <= len(said["text"]) <= 4000
    json.dumps(said).encode()
    for block in blocks:
        limits = {"header": 150, "section": 3000}
        if "text" in block:
            assert 1 <= len(block["text"]["text"]) <= limits[block["type"]]
        assert all(1 <= len(field["text"]) <= 2000 for field in block.get("fields", []))
        assert len(block.get("fields", [])) <= 10
        assert block["type"] not in {"context", "actions", "rich_text"} or 1 <= len(block["elements"]) <= 10
    for part in texts(blocks, "text") + texts(blocks, "plain_text"):
        assert part
    for row in (block for block in blocks if block["type"] == "actions"):
        assert all(len(one["value"]) <= 2000 and len(one["text"]["text"]) <= 75 for one in row["elements"])
