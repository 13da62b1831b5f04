"""What channels of alerts.yaml have in common: their form, and secrets that stand in the environment alone."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from driftline.errors import SettingsError
from driftline_alerts.signature import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_alerts.notifier import Notifier

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# What URL libraries take as it stands: nothing that would have to be encoded first.
_ADDRESS: Final = re.compile(r"https?://[^\s/@?#]+([/?][!-~]*)?", re.ASCII)
_STAND_IN: Final = "https://not-set-in-this-environment.invalid/"
"""Passes for any secret: it is an address, and long enough to sign with."""
_are_needed: ContextVar[bool] = ContextVar("secrets are needed", default=True)
_REFERENCE_FORM: Final[Any] = Annotated[str, Field(pattern=rf"^{_REFERENCE.pattern}$")]


@contextmanager
def without_secrets() -> Iterator[None]:
    """For the time of the block a variable that is not set is no mistake: for who checks a file and tells nobody."""
    before = _are_needed.set(False)
    try:
        yield
    finally:
        _are_needed.reset(before)


class ChannelConfig(BaseModel):
    """One channel as it stands in the file; a kind of channel is a class of these in a module of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @abstractmethod
    def build(self, name: str, dashboard_url: str) -> Notifier:
        """What tells people.

        Args:
            name: of the channel, as in alerts.yaml.
            dashboard_url: where people reach the dashboard.
        """


def _secret(raw: object) -> SecretStr:
    if isinstance(raw, SecretStr):
        return raw
    match = _REFERENCE.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None:
        raise ValueError(
            'must name a variable of the environment, such as "${SLACK_SUPPORT}", and not be the secret itself, as '
            "everybody who reads the file would have it; put the secret into that variable"
        )
    value = os.environ.get(match[1], "").strip() or ("" if _are_needed.get() else _STAND_IN)
    if not value:
        raise ValueError(f"names the variable {match[1]}, which is not set or empty in this environment; set it")
    return SecretStr(value)


def _address(raw: object) -> SecretStr:
    """An address, which may be a secret as a whole; if it is written down it must not hold one."""
    is_written = isinstance(raw, str) and not _REFERENCE.fullmatch(raw.strip())
    address = SecretStr(str(raw).strip()) if is_written else _secret(raw)
    if "@" in address.get_secret_value().partition("://")[2].partition("/")[0]:
        raise ValueError("must not hold a user or a password; requests carry a signature or a token instead")
    return _checked(address)


def _secret_address(raw: object) -> SecretStr:
    return _checked(_secret(raw))


def _checked(address: SecretStr) -> SecretStr:
    if not _ADDRESS.fullmatch(address.get_secret_value()):
        raise ValueError("must be an https:// address without blanks and with ASCII characters alone; correct it")
    return address


def _signing(secret: SecretStr) -> SecretStr:
    try:
        key_of(secret.get_secret_value())
    except SettingsError as error:
        raise ValueError(f"names a variable that does not hold a secret to sign with: {error}") from None
    return secret


Secret = Annotated[SecretStr, BeforeValidator(_secret, json_schema_input_type=_REFERENCE_FORM)]
"""Written as ``${NAME}`` of a variable of the environment, and read from it."""

SigningSecret = Annotated[Secret, AfterValidator(_signing)]
"""Likewise, of what requests are signed with: at least 24 bytes, or ``whsec_`` and their base64."""

SecretAddress = Annotated[SecretStr, BeforeValidator(_secret_address, json_schema_input_type=_REFERENCE_FORM)]
"""A web address that is a secret, written as ``${NAME}``."""

Address = Annotated[SecretStr, BeforeValidator(_address, json_schema_input_type=str)]
"""A web address, written down or as ``${NAME}``; not shown either way, as its path may be what lets one in."""
