"""Files of labels: what they may say, and how their mistakes are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from driftline_processors.labels.entry import Defaults, Entry
from driftline_processors.labels.file import LabelFileError, read

if TYPE_CHECKING:
    from pathlib import Path

TRACE, SPAN = "AB" * 16, "cd" * 8
DEFAULTS = Defaults("quality", "ann", 0.7)
AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
FULL = Entry(2, TRACE.lower(), SPAN, "", "tone", 0.4, "fail", "bo", "Rude,\nand wrong", AT, 0.05)
AS_CSV = (
    "trace_id,span_id,name,score,label,labeller,note,at,probability,input,output\n"
    f'{TRACE},{SPAN},tone,0.4,Fail,bo,"Rude,\nand wrong",2026-11-20T08:00:00Z,0.05,Where is it?,Go away.\n'
)
AS_JSON = (
    f'\n{{"trace_id": "{TRACE}", "span_id": "{SPAN}", "name": "tone", "score": 0.4, "label": "fail", "labeller": "bo", '
    '"note": "Rude,\\nand wrong", "at": "2026-11-20T08:00:00", "probability": 0.05, "output": "Go away."}\n'
)


def put(folder: Path, text: str, name: str = "labels.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8", newline="")
    return file


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", AS_CSV),
        ("labels.jsonl", AS_JSON),
        ("LABELS.CSV", "\ufeff" + AS_CSV.replace("\n", "\r\n").replace("Rude,\r\n", "Rude,\n")),
    ],
    ids=["CSV", "JSON", "CSV of a spreadsheet"],
)
def test_a_row_says_all_that_there_is_to_say(tmp_path: Path, name: str, text: str) -> None:
    assert read(put(tmp_path, text, name), DEFAULTS) == ([FULL], 0)


@pytest.mark.parametrize(
    ("score", "label", "expected"),
    [
        ("0.7", "", (0.7, "pass")),
        ("0.69", "", (0.69, "fail")),
        ("", "pass", (1.0, "pass")),
        ("", "FAIL", (0.0, "fail")),
        ("0.9", "fail", (0.9, "fail")),
    ],
)
def test_a_score_and_a_verdict_stand_for_each_other(
    tmp_path: Path, score: str, label: str, expected: tuple[float, str]
) -> None:
    [entry], waiting = read(put(tmp_path, f"response_id,score,label\nchatcmpl-7,{score},{label}\n"), DEFAULTS)
    assert (entry.score, entry.label) == expected
    assert (entry.response_id, entry.name, entry.labeller, entry.at, entry.probability, waiting) == (
        "chatcmpl-7", "quality", "ann", None, 0, 0,
    )  # fmt: skip


def test_rows_that_nobody_has_filled_in_yet_wait(tmp_path: Path) -> None:
    text = f"trace_id,score,label\n{TRACE},,\n{TRACE},1,\n{TRACE},,\n"
    entries, waiting = read(put(tmp_path, text), DEFAULTS)
    assert (len(entries), waiting) == (1, 2)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (',,"0.5",', "it names no answer; give a trace_id or a response_id"),
        ("xyz,,1,", "trace_id 'xyz' is not 32 hexadecimal digits"),
        (f"{TRACE},beef,1,", "span_id 'beef' is not 16 hexadecimal digits"),
        (f"{TRACE},,7,", "score '7' is not a number from 0 to 1; divide by the highest that your scale has"),
        (f"{TRACE},,nan,", "score 'nan' is not a number from 0 to 1"),
        (f"{TRACE},,good,", "score 'good' is not a number"),
        (f"{TRACE},,,so-so", "label 'so-so' is neither 'pass' nor 'fail'; say more in the note"),
        (f"{TRACE},,1,pass,more", "it has more values than the first line has columns"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_remedy(tmp_path: Path, row: str, said: str) -> None:
    file = put(tmp_path, f"trace_id,span_id,score,label\n{TRACE},,1,\n{row}\n")
    with pytest.raises(LabelFileError) as caught:
        read(file, DEFAULTS)
    assert f"{file} line 3: {said}" in str(caught.value)
    assert "nothing was imported" in str(caught.value)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "line 1: it is not JSON: Expecting property name"),
        ("[1]", "line 1: it is not a JSON object"),
        ('{"trace_id": ["a"], "score": 1}', "line 1: trace_id is neither text nor a number"),
        ('{"traceid": "a", "score": 1}', "line 1: there is no column 'traceid'; did you mean 'trace_id'?"),
        ('{"response_id": "a", "score": true}', "line 1: score is neither text nor a number"),
        ('{"response_id": "a", "score": 1, "name": "copied"}', "line 1: name 'copied' is what users do"),
        ('{"response_id": "a", "score": 1, "at": "yesterday"}', "line 1: at 'yesterday' is no time such as"),
        ('{"response_id": "a", "score": 1, "at": "2999-01-01"}', "line 1: at '2999-01-01' has not come yet"),
        ('{"response_id": "a", "score": 1, "probability": 0}', "line 1: probability is 0, with which it cannot"),
    ],
)
def test_a_mistake_in_json_too(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(LabelFileError, match=r"^\S+\.jsonl") as caught:
        read(put(tmp_path, row, "labels.jsonl"), DEFAULTS)
    assert said in str(caught.value)


def test_several_mistakes_are_told_at_once_but_not_endlessly(tmp_path: Path) -> None:
    rows = "".join(f"{TRACE},{number}\n" for number in range(2, 40))
    with pytest.raises(LabelFileError) as caught:
        read(put(tmp_path, f"trace_id,score\n{rows}"), DEFAULTS)
    assert len(str(caught.value).splitlines()) == 11


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("labels.xlsx", b"", "is neither .csv nor .jsonl"),
        ("labels.csv", b"\xff\xfe", "is not UTF-8 text"),
        ("labels.csv", b'a,b\n"open', "is not valid CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(LabelFileError, match=said):
        read(file, DEFAULTS)
    with pytest.raises(LabelFileError, match="does not exist"):
        read(tmp_path / "other.csv", DEFAULTS)
