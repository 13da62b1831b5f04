"""The embedded store, seen through the client that everyone uses and through bare HTTP."""

from __future__ import annotations

import base64
import concurrent.futures
import gzip
import http.client
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import clickhouse_connect
import pandas as pd
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from driftline_store.client import connect

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from store_fixtures import RunningStore

PROTO = """syntax = "proto3";
// It's a schema with quotes ' and back\\slashes
message Row { uint64 a = 1; string b = 2; }
"""
TABLE = (
    "CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a"
    " SETTINGS non_replicated_deduplication_window = 100"
)


def proto_settings(token: str) -> dict[str, str]:
    return {
        "format_schema_source": "string",
        "format_schema": PROTO,
        "format_schema_message_name": "Row",
        "insert_deduplication_token": token,
    }


def raw(
    store: RunningStore,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    here = store.endpoint
    login = {"X-ClickHouse-User": here.user, "X-ClickHouse-Key": here.password}
    connection = http.client.HTTPConnection(here.host, here.port, timeout=30)
    try:
        connection.request(method, path, body, login if headers is None else login | headers)
        response = connection.getresponse()
        return (
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
    finally:
        connection.close()


@pytest.mark.parametrize("text", ["plain", "it's", "tab\tnew\nline\\", "ü€😀", "{x:String}", ""])
def test_parameters_are_bound_and_come_back_as_they_went(store_client: Client, text: str) -> None:
    query = "SELECT {text:String}, {list:Array(String)}, {none:Nullable(String)}"
    parameters = {"text": text, "list": [text, "y"], "none": None}
    assert store_client.query(query, parameters=parameters).result_rows == [(text, [text, "y"], None)]


def test_a_parameter_too_long_for_the_url_arrives(store_client: Client) -> None:
    text = "ü\n" * 100_000
    assert store_client.query("SELECT {t:String}", parameters={"t": text}).result_rows == [(text,)]


@pytest.mark.parametrize("compress", [False, "gzip", "lz4", "zstd"])
def test_native_inserts_and_queries_work_with_every_compression(
    embedded_store: RunningStore, store_client: Client, compress: bool | str
) -> None:
    here = embedded_store.endpoint
    client = clickhouse_connect.get_client(
        host=here.host, port=here.port, username=here.user, password=here.password,
        database=store_client.database or "", compress=compress,
    )  # fmt: skip
    client.command("CREATE TABLE r (i Int64, s String, d DateTime64(6, 'UTC'), n Nullable(Float64)) ENGINE = Memory")
    when = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    rows = [[i, f"FORMAT Native\n'\x00{i}", when, None if i % 2 else i / 2] for i in range(3_000)]
    summary = client.insert("r", rows, column_names=["i", "s", "d", "n"])
    assert summary.written_rows == 3_000
    back = connect(embedded_store.path, database=client.database).query("SELECT * FROM r ORDER BY i").result_rows
    assert [list(row) for row in back] == rows
    client.close()


def test_frames_go_in_and_come_out(store_client: Client) -> None:
    store_client.command("CREATE TABLE f (a Int64, t DateTime64(3, 'UTC'), s String) ENGINE = Memory")
    frame = pd.DataFrame({"a": [1, 2], "t": pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True), "s": ["x", "y"]})
    store_client.insert_df("f", frame)
    back = store_client.query_df("SELECT * FROM f ORDER BY a")
    assert back["a"].tolist() == [1, 2]
    assert [str(t) for t in back["t"]] == ["2026-01-01 00:00:00+00:00", "2026-01-02 00:00:00+00:00"]


@pytest.mark.parametrize("way", ["bytes", "stream", "gzip"])
def test_protobuf_is_inserted_with_a_schema_in_the_settings(store_client: Client, way: str) -> None:
    store_client.command(TABLE)
    body = b"\x05\x08\x07\x12\x01q" * 3
    compression = "gzip" if way == "gzip" else None
    for _ in range(2):  # the second is the redo
        block = io.BytesIO(body) if way == "stream" else gzip.compress(body) if way == "gzip" else body
        store_client.raw_insert(
            "t", ["a", "b"], block, proto_settings("token"), fmt="Protobuf", compression=compression
        )
    assert store_client.query("SELECT a, b FROM t").result_rows == [(7, "q")] * 3


def test_settings_of_a_statement_do_not_reach_the_next(store_client: Client) -> None:
    store_client.command(TABLE)
    store_client.raw_insert("t", ["a", "b"], b"\x05\x08\x07\x12\x01q", proto_settings("one"), fmt="Protobuf")
    store_client.command("SET max_threads = 1")
    left = store_client.query(
        "SELECT name, value FROM system.settings WHERE changed"
        " AND name IN ('insert_deduplication_token', 'format_schema', 'format_schema_source', 'max_threads')"
    )
    assert left.result_rows == []


def test_a_big_insert_stays_one_block(store_client: Client) -> None:
    store_client.command(TABLE)
    lines = "\n".join(f'{{"a":{i}}}' for i in range(1_200_000))  # more than the engine's usual cut
    store_client.raw_insert("t", ["a"], lines, {"insert_deduplication_token": "big"}, fmt="JSONEachRow")
    parts = store_client.query(
        "SELECT rows, level FROM system.parts WHERE active AND table = 't' AND database = currentDatabase()"
    )
    assert parts.result_rows == [(1_200_000, 0)]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT * FROM nowhere", 60),
        ("SELEC 1", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT throwIf(1)", 395),
        ("INSERT INTO nowhere VALUES (1)", 60),
        ("SELECT {missing:String}", 456),
    ],
)
def test_errors_keep_their_code(store_client: Client, statement: str, code: int) -> None:
    with pytest.raises(DatabaseError) as caught:
        store_client.command(statement)
    assert caught.value.code == code
    assert f"Code: {code}. DB::Exception" in str(caught.value)


def test_an_insert_with_a_bad_row_stores_nothing_and_says_why(store_client: Client) -> None:
    store_client.command(TABLE)
    with pytest.raises(DatabaseError, match="Cannot parse"):
        store_client.raw_insert("t", ["a"], '{"a":1}\n{"a":"x"}\n', fmt="JSONEachRow")
    assert store_client.command("SELECT count() FROM t") == 0


def test_an_insert_may_carry_its_own_settings(store_client: Client) -> None:
    store_client.command(TABLE)
    for _ in range(2):
        store_client.command("INSERT INTO t (a) SETTINGS insert_deduplication_token = 'one' FORMAT CSV\n7\n")
    assert store_client.query("SELECT a FROM t").result_rows == [(7,)]


@pytest.mark.parametrize(
    ("fault", "settings", "code"),
    [
        ("throwIf(a = 399999)", {}, 395),
        ("length(groupArray(toString(a)) OVER ())", {"max_memory_usage": 3_000_000}, 241),
        ("if(a % 8192 = 0, sleepEachRow(0.02), 0)", {"max_execution_time": 0.05}, 159),
    ],
    ids=["a view fails", "no memory", "out of time"],
)
def test_an_insert_that_fails_behind_a_view_is_no_success(
    store_client: Client, fault: str, settings: dict[str, float], code: int
) -> None:
    """Else its batch counts as stored and is gone: chDB's streaming insert answers all of these with success."""
    store_client.command("CREATE TABLE source (a UInt64) ENGINE = Null")
    store_client.command(TABLE)
    store_client.command(f"CREATE MATERIALIZED VIEW v TO t AS SELECT a + 0 * {fault} AS a FROM source")
    body = "\n".join(map(str, range(400_000)))
    with pytest.raises(DatabaseError) as caught:
        store_client.raw_insert("source", insert_block=body, fmt="CSV", settings=settings)
    assert caught.value.code == code
    assert store_client.command("SELECT count() FROM t") == 0


def test_an_unknown_setting_is_an_error(embedded_store: RunningStore) -> None:
    status, headers, body = raw(embedded_store, "POST", "/?no_such_setting=1", b"SELECT 1")
    assert (status, headers["x-clickhouse-exception-code"]) == (404, "115")
    assert b"no_such_setting" in body


@pytest.mark.parametrize("name", ["max_threads=1, readonly", "a b", "'"])
def test_a_settings_name_cannot_smuggle_sql(embedded_store: RunningStore, name: str) -> None:
    status, headers, _ = raw(embedded_store, "POST", "/?" + urlencode({name: "1"}), b"SELECT 1")
    assert (status, headers["x-clickhouse-exception-code"]) == (404, "115")


def test_a_wrong_password_is_refused_in_every_way(embedded_store: RunningStore) -> None:
    wrong = "Basic " + base64.b64encode(b"driftline:wrong").decode()
    no_key = {"X-ClickHouse-Key": ""}
    tries = [no_key, {"X-ClickHouse-Key": "wrong"}, {"X-ClickHouse-User": "default"}]
    for headers in tries:
        status, answer, body = raw(embedded_store, "POST", "/", b"SELECT 1", headers)
        assert (status, answer["x-clickhouse-exception-code"]) == (403, "516")
        assert embedded_store.endpoint.password.encode() not in body
    here = embedded_store.endpoint
    connection = http.client.HTTPConnection(here.host, here.port)
    connection.request("POST", "/", b"SELECT 1", {"Authorization": wrong})
    assert connection.getresponse().status == 403
    connection.close()


def test_ping_needs_no_login(embedded_store: RunningStore) -> None:
    assert raw(embedded_store, "GET", "/ping")[::2] == (200, b"Ok.\n")


def test_the_query_may_be_in_the_url_and_the_data_in_the_body(embedded_store: RunningStore) -> None:
    assert raw(embedded_store, "GET", "/?" + urlencode({"query": "SELECT 1, 2"}))[2] == b"1\t2\n"
    path = "/?" + urlencode({"query": "SELECT 1 AS a", "default_format": "JSONEachRow"})
    assert raw(embedded_store, "GET", path)[2] == b'{"a":1}\n'


def test_a_body_beyond_the_limit_is_refused(embedded_store: RunningStore) -> None:
    status, headers, body = raw(embedded_store, "POST", "/", b"", {"Content-Length": str(2**40)})
    assert (status, headers["x-clickhouse-exception-code"]) == (413, "229")
    assert b"smaller parts" in body


def test_a_bomb_is_refused_before_it_is_unpacked(embedded_store: RunningStore) -> None:
    bomb = gzip.compress(bytes(300 * 1024 * 1024), 1)
    status, _, _ = raw(embedded_store, "POST", "/", bomb, {"Content-Encoding": "gzip"})
    assert status == 413


def test_queries_run_while_others_insert(embedded_store: RunningStore, store_client: Client) -> None:
    store_client.command(TABLE)

    def insert(worker: int) -> int:
        for i in range(20):
            rows = [[worker * 1_000_000 + i * 100 + j, "x"] for j in range(100)]
            store_client.insert("t", rows, ["a", "b"], settings={"insert_deduplication_token": f"{worker}-{i}"})
        return 20 * 100

    def query(_: int) -> int:
        counts = [int(str(store_client.command("SELECT count() FROM t"))) for _ in range(40)]
        assert counts == sorted(counts)
        assert all(count % 100 == 0 for count in counts)  # an insert is seen whole or not at all
        return 0

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        stored = sum(pool.map(insert, range(4))) + sum(pool.map(query, range(4)))
    assert store_client.command("SELECT count(), uniqExact(a) FROM t") == [str(stored)] * 2
