"""What an address of HTTP says of whoever asks, and how it is shown to people."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

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
