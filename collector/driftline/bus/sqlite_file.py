"""One SQLite file as a log: how it is created, opened, shared between processes and how its errors read."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from driftline.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_SECONDS = 10.0
"""How long a statement waits for other processes before it gives up."""

_APPLICATION_ID = 0x44726674  # "Drft": tells our files from other people's databases
_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS topic (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    next INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS message (
    topic INTEGER NOT NULL,
    place INTEGER NOT NULL,
    at REAL NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (topic, place)
);
CREATE TABLE IF NOT EXISTS member (
    topic INTEGER NOT NULL,
    "group" TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0,
    last INTEGER,
    owner TEXT,
    host TEXT,
    pid INTEGER,
    expires REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, "group")
);
"""

_KEPT_OPEN: list[sqlite3.Connection] = []
"""Connections that a forked child inherited: they belong to the parent and must not even be closed."""


class SqliteFile:
    """A connection to the log, opened when first used, for any number of threads of one process.

    It opens itself anew in a forked child and when the file was deleted or replaced, so that nothing
    is written into a file that no one can see any more.

    Attributes:
        log_id: identity of the file that is open, written into it when it was created.
    """

    def __init__(self, path: Path, *, sync: bool) -> None:
        """Name the file.

        Args:
            path: where it is or shall be.
            sync: whether commits also survive a loss of power, not only of the process.
        """
        self.path = path
        self.log_id = ""
        self._sync = sync
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode = (0, 0)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection for statements that change nothing.

        Raises:
            BusError: the file cannot be opened or read.
        """
        self._leave_parent()
        with self._lock:
            try:
                yield self._open()
            except sqlite3.Error as error:
                raise self._explain(error) from None

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection inside one transaction, committed at the end and undone on any error.

        Raises:
            BusError: the file cannot be opened or written.
        """
        with self.read() as connection:
            # IMMEDIATE takes the write lock first: a transaction that starts by reading could find
            # its snapshot outdated when it comes to write, and no waiting would mend that.
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @property
    def is_open(self) -> bool:
        """Whether this process has a connection, and to the file that is at the path now."""
        own = self._connection is not None and self._pid == os.getpid()
        return own and self._inode == _inode(self.path)

    def close(self) -> None:
        """Close the connection; using the file again opens it again."""
        self._leave_parent()
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _leave_parent(self) -> None:
        """In a forked child, start over without touching what belongs to the parent."""
        if self._pid == os.getpid():
            return
        if self._connection is not None:
            _KEPT_OPEN.append(self._connection)
            _never_free(self._connection)
        self._pid, self._lock, self._connection = os.getpid(), threading.RLock(), None

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._inode == _inode(self.path):
            return self._connection
        self.close()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.path.exists():
                _create_private(self.path)
        except OSError as error:
            raise BusError(
                f"the bus file {self.path} cannot be opened ({error.strerror}); give this user write access "
                "to it and to its folder, or name another file in the setting 'bus'"
            ) from None
        self._inode = _inode(self.path)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self.log_id = _prepare(connection, self.path, sync=self._sync)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _explain(self, error: sqlite3.Error) -> BusError:
        name = getattr(error, "sqlite_errorname", "")
        for start, text in _FIXES.items():
            if name.startswith(start):
                return BusError(f"the bus file {self.path} {text}")
        return BusError(f"the bus file {self.path} cannot be used: {error} ({name or type(error).__name__})")


_FIXES = {
    "SQLITE_NOTADB": "is damaged or is not an SQLite database; move it away, and a new one is started, "
    "or name another file in the setting 'bus'",
    "SQLITE_CORRUPT": "is damaged; move it away, and a new one is started, or put back a backup",
    "SQLITE_READONLY": "cannot be written; give this user write access to it and to its folder, "
    "or name another file in the setting 'bus'",
    "SQLITE_CANTOPEN": "cannot be opened; give this user write access to it and to its folder, "
    "or name another file in the setting 'bus'",
    "SQLITE_FULL": "cannot grow because its disk is full; free some space there",
    "SQLITE_IOERR": "cannot be read or written because its disk fails or is full; look at the disk",
    "SQLITE_BUSY": f"was locked by another process for more than {BUSY_SECONDS:.0f} s; "
    "end the process that holds it, such as an open sqlite3 shell",
}


def _prepare(connection: sqlite3.Connection, path: Path, *, sync: bool) -> str:
    """Set the connection up, create what is missing and return the identity of the log."""
    # In this order: another process may create the tables and the id, together, between the two.
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if application != _APPLICATION_ID and tables:
        raise BusError(
            f"the bus file {path} is an SQLite database of another program; name another file in the setting 'bus'"
        )
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > _VERSION:
        raise BusError(
            f"the bus file {path} was written by a newer Driftline (format {version}, "
            f"this one reads up to {_VERSION}); upgrade with: pip install -U driftline"
        )
    if not tables:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # only counts before the first table
    _use_wal(connection)
    connection.execute(f"PRAGMA synchronous={'FULL' if sync else 'NORMAL'}")
    if version < _VERSION:
        _create(connection)
    return str(connection.execute("SELECT id FROM log").fetchone()[0])


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging: readers and the writer do not stop each other.

    The switch takes an exclusive lock without asking the busy handler, so that several processes that
    open a new file at once have to try again.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _SCHEMA.split(";")[:-1]:
            connection.execute(statement)
        connection.execute("INSERT INTO log SELECT ? WHERE NOT EXISTS (SELECT 1 FROM log)", (str(uuid.uuid4()),))
        connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _create_private(path: Path) -> None:
    """Create an empty file, unless there is one by now; SQLite gives its -wal and -shm files the same mode.

    Prompts may hold personal data, so it is private from its first moment. It gets its name only after it
    was closed: whoever closes a file loses all locks that the same process holds on it through SQLite, and then
    another process takes itself for the last one and removes the log that this one still writes.
    """
    descriptor, new = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(descriptor)
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    finally:
        Path(new).unlink()


def _inode(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (-1, -1)
    return (status.st_dev, status.st_ino)


def _never_free(connection: sqlite3.Connection) -> None:
    """Leak one reference, so that not even the interpreter's end closes the parent's connection.

    Closing it in the child would check-point and remove files under the parent's hands.
    """
    import ctypes  # noqa: PLC0415  needed in forked children only

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
