"""Where the data of an insert begins."""

from __future__ import annotations

import pytest

from driftline_store.embedded.statement import named_format, split_insert


@pytest.mark.parametrize(
    ("text", "head", "settings", "name", "data"),
    [
        (b"INSERT INTO t (a, b) FORMAT Native\n\x00\x01", "INSERT INTO t (a, b)", "", "Native", b"\x00\x01"),
        (b"insert into t format CSV\r\n\n1", "insert into t", "", "CSV", b"\n1"),
        (b"-- FORMAT X\nINSERT INTO `FORMAT a` FORMAT CSV\nFORMAT Y",
         "-- FORMAT X\nINSERT INTO `FORMAT a`", "", "CSV", b"FORMAT Y"),
        (b"INSERT INTO t SETTINGS a='FORMAT \\' Z' FORMAT CSV ",
         "INSERT INTO t", "SETTINGS a='FORMAT \\' Z'", "CSV", b""),
        (b"INSERT INTO settings settings\na = 1 FORMAT CSV\n", "INSERT INTO settings", "settings\na = 1", "CSV", b""),
        (b"/* x */ INSERT INTO FUNCTION null('FORMAT int') FORMAT\nTSV\n1",
         "/* x */ INSERT INTO FUNCTION null('FORMAT int')", "", "TSV", b"1"),
    ],
)  # fmt: skip
def test_data_begins_after_the_formats_line(text: bytes, head: str, settings: str, name: str, data: bytes) -> None:
    insert = split_insert(text)
    assert insert is not None
    assert (insert.head.strip(), insert.settings.strip()) == (head, settings)
    assert (insert.format, bytes(insert.data)) == (name, data)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 FORMAT Native",
        b"INSERT INTO t VALUES (1, 'FORMAT CSV')",
        b"INSERT INTO t FORMAT VALUES (1)",
        b"INSERT INTO t SELECT 1 FORMAT Native",
        b"INSERT INTO t",
        b"-- INSERT INTO t FORMAT CSV\nSELECT 1",
        b"",
        b"INSERT INTO t (\xff\xfe 'unclosed FORMAT CSV",
    ],
)
def test_other_statements_have_no_data(text: bytes) -> None:
    assert split_insert(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"SELECT 1", None),
        (b"SELECT 1 format JSON ;", "JSON"),
        (b"SELECT 1\n FORMAT CSV SETTINGS a=1", "CSV"),
    ],
)
def test_the_named_format_is_found(text: bytes, name: str | None) -> None:
    assert named_format(text) == name
