"""What an address of HTTP says of whoever asks, and how it is shown to people."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from driftline.errors import SettingsError

if TYPE_CHECKING:
    from urllib.parse import SplitResult


def authorization(parts: SplitResult) -> dict[str, str]:
    """The header that the address asks for: ``user:password@`` is a login, ``:token@`` a bearer token."""
    user, password = parts.username, parts.password
    if user:
        login = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
        return {"authorization": f"Basic {login}"}
    return {"authorization": f"Bearer {password}"} if password else {}


def shown(parts: SplitResult) -> str:
    """The address without its password."""
    place = parts.netloc.rpartition("@")[2]
    login = f"{parts.username or ''}:***@" if parts.password else ""
    return f"{parts.scheme}://{login}{place}{parts.path}"


def parts_of(url: str, expected: str, setting: str) -> SplitResult:
    """The parts of an endpoint's address.

    Args:
        url: with user and password, if there are any.
        expected: what it must be, to begin a message with.
        setting: that it stands in.

    Raises:
        SettingsError: it names no host, or has a query or a fragment; its text holds no password.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(
            f"{expected} http[s]://[user:password@]host[:port][/path] but is {shown(parts)!r}; "
            f"correct the setting {setting!r}"
        )
    return parts
