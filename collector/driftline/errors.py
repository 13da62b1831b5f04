"""What Driftline raises, all under one roof.

    DriftlineError
    ├── SettingsError       a setting, or a file that settings come from, is wrong
    ├── BusError            the bus cannot be reached, written or read
    │   ├── UncertainError  whether the bus took a message is not known
    │   └── FencedError     another member owns the partition now: this batch is no longer ours
    ├── StoreError          the store cannot be reached, refuses us or fails a statement
    └── MissingExtraError   an optional part is not installed

Every message says what was expected, what came, where, and what to do about it. Nothing in here is
ever raised into the observed application by ``@observe``, ``session()``, ``fallback()`` or ``feedback()``.
"""

from __future__ import annotations


class DriftlineError(Exception):
    """Base of everything that Driftline raises; its text is one sentence fit for a user."""


class SettingsError(DriftlineError):
    """A setting has a value that cannot be used."""


class BusError(DriftlineError):
    """The bus cannot be reached, written or read."""


class UncertainError(BusError):
    """Whether the bus took the message is not known; ``Bus.holds`` may tell."""


class FencedError(BusError):
    """The partition has a new owner, so this member's batch must be dropped without a trace."""


class StoreError(DriftlineError):
    """The store cannot be reached, refuses the login or fails a statement."""


class MissingExtraError(DriftlineError):
    """A part of Driftline was asked for whose packages are not installed."""

    def __init__(self, part: str, package: str) -> None:
        super().__init__(
            f"{part} needs the package {package!r}, which is not installed; "
            "install the server's packages with: pip install 'driftline[server]'"
        )
