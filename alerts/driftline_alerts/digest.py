"""Ids that are made of what they stand for, so that whoever makes one again makes the same."""

from __future__ import annotations

import hashlib
import json
from typing import Final

SHORT: Final = 12
"""Digits of an incident's id, which people type."""


def digest(*what: object, length: int = 32) -> str:
    """Hexadecimal digits for what JSON can take."""
    return hashlib.sha256(json.dumps(what, ensure_ascii=False).encode()).hexdigest()[:length]
