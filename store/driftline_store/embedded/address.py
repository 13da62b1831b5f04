"""Where a data folder's running store is: ``store.json``, written by the store, read by everyone else."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from driftline.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "store.json"


@dataclass(frozen=True)
class Endpoint:
    """Address and login of a running embedded store.

    Attributes:
        host: loopback address.
        port: TCP port.
        user: ClickHouse user.
        password: of that user; never shown.
        pid: process that owns the engine.
        ready: whether the store answers; False while it starts, stops or after a clean stop.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    pid: int
    ready: bool = True

    @property
    def url(self) -> str:
        """Address for people and logs, without the login."""
        return f"http://{self.host}:{self.port}"


def endpoint(data_path: Path) -> Endpoint | None:
    """Find the running embedded store of a data folder.

    Returns:
        Its endpoint, or None when none is running: no file, a clean stop, or a process that is gone.

    Raises:
        StoreError: the file is there but cannot be read.
    """
    found = read(data_path)
    return found if found and found.ready and _is_alive(found.pid) else None


def read(data_path: Path) -> Endpoint | None:
    """What the file says, whether the store runs or not; None without a usable file.

    Raises:
        StoreError: the file may not be read by this user.
    """
    path = data_path / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        content.pop("url", None)
        return Endpoint(**content)
    except FileNotFoundError:
        return None
    except (
        ValueError,
        TypeError,
        AttributeError,
    ):  # cut short by a crash of the machine, or of another version
        return None
    except OSError as error:
        raise StoreError(
            f"the file {path} cannot be read: {error.strerror}; run as the user that runs the store"
        ) from None


def write(data_path: Path, value: Endpoint) -> None:
    """Replace the file in one step, readable by its owner only."""
    path = data_path / FILE_NAME
    temporary = path.with_suffix(".tmp")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  a descriptor, not a path
        json.dump(asdict(value) | {"url": value.url}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
