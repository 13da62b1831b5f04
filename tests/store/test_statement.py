"""What is shown beside a chart is the statement that found its numbers, and a console runs it as it stands."""

from __future__ import annotations

import chdb
import pytest

from driftline_store.statement import runnable


@pytest.mark.parametrize("text", ["plain", "it's", "back\\slash", "two\nlines\tand a tab", "=1+1", "{a:String}"])
def test_a_console_gets_the_very_text_that_was_bound(text: str) -> None:
    sql = "SELECT {one:String} = {other:Array(String)}[1], length({one:String}), {three:UInt8}"
    said = chdb.query(runnable(sql, {"one": text, "other": [text], "three": 3}))  # type: ignore[no-untyped-call]
    assert str(said).strip() == f"1,{len(text)},3"
