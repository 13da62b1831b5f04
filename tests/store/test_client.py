"""Finding the store, and what is said when it cannot be found."""

from __future__ import annotations

import concurrent.futures
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from driftline.errors import SettingsError, StoreError
from driftline.settings import load
from driftline_store.client import StoreUnavailableError, connect, is_transient, store_errors
from driftline_store.target import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from store_fixtures import RunningStore


def url_of(store: RunningStore, *, password: str | None = None, database: str = "default") -> str:
    here = store.endpoint
    return f"clickhouse://{here.user}:{password or here.password}@{here.host}:{here.port}/{database}"


def test_the_url_is_read_with_its_defaults() -> None:
    target = resolve("clickhouse://u%40x:p%2Fw@example.com/db?secure=1&verify=0")
    assert (target.host, target.port, target.user, target.password) == ("example.com", 8443, "u@x", "p/w")
    assert (target.database, target.secure, target.verify) == ("db", True, False)
    plain = resolve("clickhouse://example.com")
    assert (plain.port, plain.user, plain.database, plain.secure) == (8123, "default", "default", False)
    assert "p/w" not in repr(target) + str(target)


@pytest.mark.parametrize(
    "url",
    ["http://u:hidden@host", "clickhouse://", "clickhouse://u:hidden@host:port", "clickhouse://u:hidden@h?tls=1",
     "clickhouse://u:hidden@h?secure=maybe"],
)  # fmt: skip
def test_a_wrong_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        connect(url)
    assert "hidden" not in str(caught.value)


def test_settings_without_a_url_mean_the_embedded_store(embedded_store: RunningStore) -> None:
    settings = load({}, data_dir=str(embedded_store.path))
    assert connect(settings).command("SELECT 1") == 1
    by_url = load({}, data_dir="/nowhere", store=url_of(embedded_store))
    assert connect(by_url).command("SELECT 1") == 1


def test_no_store_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        connect(tmp_path)
    assert str(caught.value) == f"no store is running for the data folder {tmp_path}; start it with: driftline up"
    assert is_transient(caught.value)


def test_a_refused_connection_names_host_and_port() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(
        StoreUnavailableError, match=f"127.0.0.1:{port} does not answer \\(connection refused\\)"
    ) as caught:
        connect(f"clickhouse://u:hidden@127.0.0.1:{port}")
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_wrong_password_is_said_and_not_retried(embedded_store: RunningStore) -> None:
    with pytest.raises(StoreError, match="refuses the login; correct user and password") as caught:
        connect(url_of(embedded_store, password="wrong"), wait=60)
    assert not is_transient(caught.value)


def test_an_unknown_database_is_said(embedded_store: RunningStore) -> None:
    with pytest.raises(StoreError, match="has no such database"):
        connect(url_of(embedded_store, database="nowhere"))


def test_something_else_at_the_address_is_said() -> None:
    with socket.socket() as listener, concurrent.futures.ThreadPoolExecutor(1) as pool:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        pool.submit(answer_as_a_web_page, listener)
        with pytest.raises(StoreError, match="did not answer as ClickHouse does"):
            connect(f"clickhouse://127.0.0.1:{listener.getsockname()[1]}")


def answer_as_a_web_page(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")


def test_every_statement_is_synchronous_and_in_utc(store_client: Client) -> None:
    rows = store_client.query("SELECT name, value FROM system.settings WHERE name = 'async_insert'").result_rows
    assert rows == [("async_insert", "0")]
    when = store_client.query("SELECT toDateTime('2026-01-02 03:04:05')").result_rows[0][0]
    assert when == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_proxy_of_the_machine_is_not_asked(embedded_store: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert connect(embedded_store.path).command("SELECT 1") == 1


def test_one_client_serves_several_threads(store_client: Client) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        rows = pool.map(lambda i: store_client.query("SELECT {i:Int64}", {"i": i}).result_rows, range(200))
    assert list(rows) == [[(i,)] for i in range(200)]


@pytest.mark.parametrize(
    ("code", "transient"), [(241, True), (439, True), (252, True), (60, False), (62, False), (516, False)]
)
def test_codes_tell_whether_to_try_again(code: int, *, transient: bool) -> None:
    assert is_transient(DatabaseError("x", code=code)) is transient


def test_gateways_in_front_of_a_server_are_transient() -> None:
    assert is_transient(DatabaseError("HTTP driver received HTTP status 502"))
    assert not is_transient(DatabaseError("HTTP driver received HTTP status 404"))
    assert not is_transient(ValueError("x"))


def test_errors_of_statements_become_one_sentence(store_client: Client) -> None:
    expected = r"the store, while looking, failed a statement: .*Code: 62"
    with pytest.raises(StoreError, match=expected) as caught, store_errors("looking"):
        store_client.command("SELEC")
    assert "\n" not in str(caught.value)
