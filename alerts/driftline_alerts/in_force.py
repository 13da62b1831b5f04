"""alerts.yaml as it is in force, and whether people have changed it since."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from driftline.errors import SettingsError
from driftline_alerts.alerts_file import file_path, load_file

if TYPE_CHECKING:
    from driftline.settings import Settings
    from driftline_alerts.alerts_file import AlertsFile

logger = logging.getLogger(__name__)


class InForce:
    """The file that a worker follows.

    Raises:
        SettingsError: it cannot be read or is wrong.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp = self._stamped()
        self._wrong = ""
        self.file: AlertsFile = load_file(settings)

    def has_changed(self) -> bool:
        """Whether the file says other things than when this last was true, and ``file`` is these now.

        What is wrong is told once, and what was in force stays so.
        """
        stamp = self._stamped()
        if stamp == self._stamp:
            return False
        self._stamp = stamp  # taken before the file is read: what is written meanwhile has another one
        try:
            file = load_file(self._settings)
        except SettingsError as error:
            if str(error) != self._wrong:
                logger.error("the changed alert rules are wrong; what was in force before stays so: %s", error)  # noqa: TRY400
            self._wrong = str(error)
            return False
        self._wrong = ""
        is_other, self.file = file != self.file, file
        return is_other

    def _stamped(self) -> tuple[int, int, int] | None:
        """What no two versions of the file share; None where there is none."""
        try:
            found = file_path(self._settings).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
