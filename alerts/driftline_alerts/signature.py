"""The signature of what is posted to others, as Standard Webhooks 1.0 has it, so that receivers can use its libraries.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from driftline.errors import SettingsError

if TYPE_CHECKING:
    from datetime import datetime

_PREFIX: Final = "whsec_"
_SHORTEST: Final = 24
"""Bytes of a key, by the standard."""


def key_of(secret: str) -> bytes:
    """The key of a secret: what follows ``whsec_`` in base64, or the text itself where it does not begin so.

    Raises:
        SettingsError: it is no base64, or shorter than 24 bytes; the message does not repeat it.
    """
    encoded = secret.removeprefix(_PREFIX)
    try:
        key = secret.encode() if encoded == secret else base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise SettingsError(f"the secret of a webhook begins with {_PREFIX!r} but goes on with no base64") from None
    if len(key) < _SHORTEST:
        raise SettingsError(
            f"the secret of a webhook must have at least {_SHORTEST} bytes but has {len(key)}; make one with: "
            f"""python -c "import base64, os; print('{_PREFIX}' + base64.b64encode(os.urandom(32)).decode())\""""
        )
    return key


def headers(key: bytes, id_: str, at: datetime, body: bytes) -> dict[str, str]:
    """What a signed request carries.

    Args:
        key: as ``key_of`` gives it.
        id_: of what is told; the same if it is told again.
        at: when it is sent, which the receiver compares with its clock.
        body: the bytes that are sent.
    """
    seconds = str(int(at.timestamp()))
    signed = hmac.new(key, b".".join((id_.encode(), seconds.encode(), body)), hashlib.sha256).digest()
    return {
        "webhook-id": id_,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        "Idempotency-Key": id_,
    }
