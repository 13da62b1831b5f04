"""The rules in force, of the settings' file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_alerts.alerts_file import load_file

if TYPE_CHECKING:
    from driftline.settings import Settings
    from driftline_alerts.rule import Rule


def load_rules(settings: Settings) -> tuple[Rule, ...]:
    """The rules that hold; see ``load_file``.

    Raises:
        SettingsError: the file cannot be read or is wrong; names file, line and column of each mistake.
    """
    return load_file(settings).rules
