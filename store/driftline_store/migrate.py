"""Brings the store's schema up to this version: numbered SQL files, each applied once and recorded.

ClickHouse's DDL has no transactions, so a crash can leave a file half applied and unrecorded. It is then
applied again from its start; therefore every statement must be idempotent (``IF NOT EXISTS``).
"""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from driftline.errors import StoreError
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from clickhouse_connect.driver.client import Client

logger = logging.getLogger(__name__)

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations
(number UInt32, name String, sha256 String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = MergeTree ORDER BY number
"""


@dataclass(frozen=True)
class Migration:
    """One file: ``NNNN_name.sql``."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Fingerprint of the file's text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The statements: each ends with a ``;`` at the end of a line that is no comment."""
        found, lines = [], []
        for line in [*self.text.splitlines(), ";"]:
            is_comment = line.lstrip().startswith("--")
            ends = not is_comment and line.rstrip().endswith(";")
            lines.append(line.rstrip()[:-1] if ends else line)
            if ends:
                found.append(lines)
                lines = []
        return ["\n".join(one).strip() for one in found if any(_has_sql(line) for line in one)]


def load(folder: Traversable | None = None) -> list[Migration]:
    """Read the migrations in order.

    Args:
        folder: where they are; the package's own by default.

    Raises:
        StoreError: a name that does not fit, or numbers that do not run 1, 2, 3, …
    """
    folder = folder or resources.files("driftline_store") / "migrations"
    found = []
    for file in folder.iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = _FILE_NAME.fullmatch(file.name)
        if not match:
            raise StoreError(f"the migration {file.name} must be named like 0001_what_it_does.sql; rename it")
        found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        numbers = ", ".join(f"{migration.number:04d}" for migration in found)
        raise StoreError(f"the migrations must be numbered 0001, 0002, … without gaps or repeats, not {numbers}")
    return found


def migrate(client: Client, migrations: list[Migration] | None = None) -> list[int]:
    """Apply what the store lacks, in the client's database.

    Safe to repeat after a crash, and for two processes at once.

    Args:
        client: of the store.
        migrations: the files' content; the package's own by default.

    Returns:
        The numbers applied now.

    Raises:
        StoreError: the store is newer than this code, was made from files that differ, or fails a statement.
    """
    migrations = load() if migrations is None else migrations
    with store_errors("reading which migrations it has"):
        client.command(_TABLE)
        done = applied(client)
    _check(migrations, done)
    missing = [migration for migration in migrations if migration.number not in done]
    for migration in missing:
        _apply(client, migration)
    return [migration.number for migration in missing]


def applied(client: Client) -> dict[int, set[str]]:
    """The fingerprints recorded for each migration: one, or more only if somebody changed the record."""
    rows = client.query("SELECT number, groupUniqArray(sha256) FROM schema_migrations GROUP BY number").result_rows
    return {number: set(hashes) for number, hashes in rows}


def _check(migrations: list[Migration], done: dict[int, set[str]]) -> None:
    newest = max(done, default=0)
    if newest > len(migrations):
        raise StoreError(
            f"the store's schema is at migration {newest:04d} but driftline knows only {len(migrations):04d};"
            " install the driftline version that made it, or a newer one"
        )
    for migration in migrations:
        recorded = done.get(migration.number)
        if recorded is not None and recorded != {migration.sha256}:
            raise StoreError(
                f"migration {migration.number:04d}_{migration.name} has changed since the store applied it; "
                "restore the file as it was and put the change into a new migration"
            )


def _apply(client: Client, migration: Migration) -> None:
    with store_errors(f"applying migration {migration.number:04d}_{migration.name}"):
        for statement in migration.statements:
            client.command(statement)
        client.insert(
            "schema_migrations",
            [[migration.number, migration.name, migration.sha256]],
            column_names=["number", "name", "sha256"],
        )
    logger.info("applied migration %04d_%s", migration.number, migration.name)


def _has_sql(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("--")
