"""Who the visitor is, whether they may look, and whether they may act; decided here, on the server, each time."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline import settings
from driftline.errors import DriftlineError
from driftline_dashboard.store import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

SOMEBODY: Final = "dashboard"
"""Who asks, where Streamlit does not know who the visitor is."""
_MAX_NAME: Final = 100


class NotAllowedError(DriftlineError):
    """The visitor may look and not act."""


def must_log_in() -> bool:
    """Whether a login is configured and the visitor has not logged in."""
    return st.user.get("is_logged_in") is False


def has_logged_in() -> bool:
    """Whether the visitor has, so that there is a login to end."""
    return bool(st.user.get("is_logged_in"))


def providers() -> list[str | None]:
    """The logins of ``[auth]`` in Streamlit's secrets, as ``st.login`` names them; None is the one without a name."""
    auth = st.secrets.get("auth", {})
    named: list[str | None] = [str(name) for name, value in auth.items() if isinstance(value, Mapping)]
    return ([None] if "client_id" in auth else []) + [name for name in named if name != "client_kwargs"]


def who() -> str:
    """The visitor's name where Streamlit knows it, by a login."""
    if not has_logged_in():
        return SOMEBODY
    return str(st.user.get("email") or st.user.get("name") or SOMEBODY)[:_MAX_NAME]


def may_act() -> bool:
    """Whether the visitor may do more than look, by the settings of now."""
    loaded = settings.load()
    if loaded.dashboard_read_only or must_log_in():
        return False
    editors = {address.strip().casefold() for address in loaded.dashboard_editors.split(",")} - {""}
    return not editors or _address() in editors


@contextlib.contextmanager
def acting(what: str) -> Iterator[tuple[Client, str]]:
    """Lend the connection for what the visitor does in the block, and the name that it is done in.

    Args:
        what: is done, for the message of a failure.

    Raises:
        NotAllowedError: the visitor may not act.
        StoreError: the store cannot be reached or fails a statement.
    """
    if not may_act():
        raise NotAllowedError(
            f"{who()} may look at this dashboard and not act: dashboard_read_only is on, or dashboard_editors lacks "
            "the address"
        )
    with reading(what) as client:
        yield client, who()


def _address() -> str:
    """The e-mail address that the login vouches for; '' if there is none."""
    is_vouched = str(st.user.get("email_verified", True)).casefold() != "false"
    return str(st.user.get("email", "")).casefold() if has_logged_in() and is_vouched else ""
