"""Where the store is: read from the settings' URL or from the data folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from driftline.errors import SettingsError
from driftline.settings import Settings
from driftline_store.embedded.address import endpoint
from driftline_store.failures import StoreUnavailableError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Target:
    """A store's address, resolved. The password is in no text of it."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str = "default"
    secure: bool = False
    verify: bool = True
    embedded_in: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def resolve(where: Settings | str | Path) -> Target:
    """Find the store's address and login.

    Raises:
        SettingsError: the URL cannot be used.
        StoreUnavailableError: no embedded store runs for the data folder.
    """
    if isinstance(where, Settings):
        return _from_url(str(where.store)) if where.store else _from_folder(where.data_path)
    return _from_url(where) if isinstance(where, str) else _from_folder(where)


def _from_folder(data_path: Path) -> Target:
    found = endpoint(data_path)
    if found is None:
        raise not_running(data_path)
    return Target(found.host, found.port, found.user, found.password, embedded_in=data_path)


def not_running(data_path: Path) -> StoreUnavailableError:
    """The error for a data folder without a running store."""
    return StoreUnavailableError(f"no store is running for the data folder {data_path}; start it with: driftline up")


def _from_url(url: str) -> Target:
    expected = "the store's URL must look like clickhouse://user:password@host:8443/database?secure=1"
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise SettingsError(f"{expected}, but its host or port cannot be read; correct the setting 'store'") from None
    if parts.scheme != "clickhouse" or not host:
        raise SettingsError(
            f"{expected}, but it starts with {parts.scheme!r} or names no host; correct the setting 'store'"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    secure = _flag(options, "secure", default=False)
    verify = _flag(options, "verify", default=True)
    if options:
        raise SettingsError(f"the store's URL has the unknown option {min(options)!r}; known are: secure, verify")
    return Target(
        host=host,
        port=port or (8443 if secure else 8123),
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.strip("/")) or "default",
        secure=secure,
        verify=verify,
    )


def _flag(options: dict[str, str], name: str, *, default: bool) -> bool:
    value = options.pop(name, "1" if default else "0").lower()
    if value not in {"0", "1", "true", "false"}:
        raise SettingsError(f"the option {name!r} of the store's URL must be 0 or 1; correct the setting 'store'")
    return value in {"1", "true"}
