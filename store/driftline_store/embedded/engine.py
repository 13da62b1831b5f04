"""Runs statements inside chDB, ClickHouse's engine as a wheel.

Every statement gets a handle of its own (``connect`` on the same path, 0.1 ms): settings, parameters, current
database and temporary tables live in a handle, so nothing can leak from one statement into another,
and handles run in parallel.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from driftline_store.embedded.model import Answer, EngineError, Statement, failure
from driftline_store.embedded.statement import Insert, is_blank, named_format, split_insert

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_TWICE = re.compile(r"^(Code: \d+\. DB::Exception: )\1")  # how errors in the data of a file begin
_TRAILING_BLANK = re.compile(rb"[\s;]+$")
# A server's defaults where chDB's differ: a bare expression is a syntax error.
_BASE = {
    "implicit_select": "0",
    "async_insert": "0",
    # Inserts stop while there is room left. What cannot be written to a full disk the wheel's engine does not notice:
    # it answers success and keeps a part that cannot be read.
    "min_free_disk_bytes_to_perform_insert": "200000000",
}
# The whole insert becomes one block, hence one part per partition with one deduplication entry. Without
# these it is cut each 1,048,449 rows or 256 MiB, and a redo of a half-stored insert needs every cut again.
ONE_BLOCK = {
    "max_insert_block_size": "100000000",
    "min_insert_block_size_rows": "0",
    "min_insert_block_size_bytes": "4000000000",
    "input_format_parallel_parsing": "0",
}
_SYNTAX_ERROR = 62
_UNKNOWN_SETTING = 115
_NOT_RUNNING = 439


class Engine:
    """The engine on one folder; a process can have one. Usable from any number of threads."""

    def __init__(self, path: str) -> None:
        """Open the folder, creating it if there is none.

        Raises:
            EngineError: the folder cannot be opened.
        """
        # Here, because importing it costs half a second and starts threads; and not typed, because two wheels
        # install the package over one another, and only one of them says that it is typed.
        chdb: Any = importlib.import_module("chdb")

        self._connect = chdb.connect
        self._path = path
        self._running = 0
        self._idle = threading.Condition()
        self._open = True
        with _translated():
            self._keeper = self._connect(path)  # keeps the engine open between statements

    def run(self, statement: Statement) -> Answer:
        """Run one statement.

        Raises:
            EngineError: ClickHouse refused or failed it.
        """
        if is_blank(statement.text):
            raise failure(_SYNTAX_ERROR, "Syntax error: Empty query", "SYNTAX_ERROR")
        with self._handle() as handle, _translated():
            insert = split_insert(statement.text)
            _prepare(handle, statement, is_insert=insert is not None)
            return _insert(handle, insert) if insert else _query(handle, statement)

    def close(self, timeout: float = 30.0) -> bool:
        """Refuse new statements, wait up to ``timeout`` seconds for running ones, close the folder.

        Returns:
            Whether everything had finished; otherwise the folder is left open, as after a crash.
        """
        with self._idle:
            self._open = False
            finished = self._idle.wait_for(lambda: self._running == 0, timeout)
        if finished:
            self._keeper.close()
        return finished

    @contextlib.contextmanager
    def _handle(self) -> Iterator[Any]:
        with self._idle:
            if not self._open:
                raise failure(_NOT_RUNNING, "The store is stopping", "CANNOT_SCHEDULE_TASK")
            self._running += 1
        try:
            with _translated():
                connection = self._connect(self._path)
            try:
                yield connection
            finally:
                connection.close()
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # chDB raises it, or a subclass, for everything
        raise EngineError(str(error)) from None


def _prepare(handle: Any, statement: Statement, *, is_insert: bool) -> None:
    if statement.database:
        handle.query(f"USE {_identifier(statement.database)}", "Null")
    defaults = {**_BASE, **ONE_BLOCK} if is_insert else _BASE
    settings = {**defaults, **statement.settings}
    if is_insert:  # a streaming insert takes parameters only this way
        settings.update({f"param_{name}": value for name, value in statement.parameters.items()})
    assignments = ", ".join(f"{_setting(name)} = {_quoted(value)}" for name, value in settings.items())
    handle.query(f"SET {assignments}", "Null")


def _insert(handle: Any, insert: Insert) -> Answer:
    # Not by chDB's streaming insert: that one answers "ok" when a view or its table fails (no memory, disk full, out
    # of time), and the rows are gone. An insert from a file fails as one into a server does.
    with _as_file(insert.data) as path:
        source = f"FROM INFILE {_quoted(path)} COMPRESSION 'none'"
        try:
            result = handle.query(f"{insert.head} {source} {insert.settings} FORMAT {insert.format}", "Null")
        except RuntimeError as error:
            raise EngineError(_TWICE.sub(r"\1", str(error).replace(f"(in file/uri {path}): ", ""))) from None
    written, size = str(result.rows_written()), str(result.bytes_written())
    summary = {"read_rows": written, "read_bytes": size, "written_rows": written, "written_bytes": size}
    return Answer(b"", None, summary | {"elapsed_ns": _nanoseconds(result.elapsed())})


@contextlib.contextmanager
def _as_file(data: memoryview) -> Iterator[str]:
    """Name the data as a file, in memory where the system can do that."""
    in_memory = getattr(os, "memfd_create", None)  # Linux has it
    with os.fdopen(in_memory("insert"), "wb") if in_memory else tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}" if in_memory else str(file.name)


def _query(handle: Any, statement: Statement) -> Answer:
    text = _TRAILING_BLANK.sub(b"", statement.text)
    report = handle._conn.classify_query(_decoded(text))  # noqa: SLF001  chDB has no public name for it
    if report["statement_count"] > 1:
        raise failure(_SYNTAX_ERROR, "Syntax error: multi-statements are not allowed", "SYNTAX_ERROR")
    result = handle.query(_decoded(text), statement.default_format, params=dict(statement.parameters))
    body = bytes(result.bytes() or b"")
    gives_result = bool(body) or report["query_class"].name == "READ_ONLY"
    summary = {
        "read_rows": str(result.rows_read()),
        "read_bytes": str(result.bytes_read()),
        "written_rows": str(result.rows_written()),
        "written_bytes": str(result.bytes_written()),
        "elapsed_ns": _nanoseconds(result.elapsed()),
    }
    format_name = (named_format(text) or statement.default_format) if gives_result else None
    return Answer(body, format_name, summary)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise failure(_SYNTAX_ERROR, "Syntax error: the query is not UTF-8", "SYNTAX_ERROR") from None


def _nanoseconds(seconds: float) -> str:
    return str(int(seconds * 1e9))


def _setting(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise failure(_UNKNOWN_SETTING, f"Unknown setting {name!r}", "UNKNOWN_SETTING")
    return name


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
