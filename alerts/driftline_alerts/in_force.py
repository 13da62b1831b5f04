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

Stamp = tuple[int, int, int]
"""What no two versions of a file share: inode, time of the last change, size."""


class InForce:
    """The file that a worker follows.

    Raises:
        SettingsError: it cannot be read or is wrong.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._taken = self._seen = self._stamp()
        self._wrong = ""
        self.file: AlertsFile = load_file(settings)

    def has_changed(self) -> bool:
        """Whether the file says other things than when this last was true, and ``file`` is these now.

        A change counts once two calls have found the same, as the first may come while it is being written. What is
        wrong is told once, and what was in force stays so.
        """
        stamp, before = self._stamp(), self._seen
        self._seen = stamp
        if stamp == self._taken or stamp != before:
            return False
        self._taken = stamp
        try:
            file = self._read(stamp)
        except SettingsError as error:
            if str(error) != self._wrong:
                logger.error("the changed alert rules are wrong; what was in force before stays so: %s", error)  # noqa: TRY400
            self._wrong = str(error)
            return False
        self._wrong = ""
        is_other, self.file = file != self.file, file
        return is_other

    def _read(self, stamp: Stamp | None) -> AlertsFile:
        """The changed file; one that is away or empty now is more likely an accident than a wish."""
        if stamp is None or not stamp[2]:
            state = "is gone" if stamp is None else "is empty"
            raise SettingsError(
                f"{file_path(self._settings)} {state}; put it back, or restart to follow the rules that come with "
                "Driftline"
            )
        return load_file(self._settings)

    def _stamp(self) -> Stamp | None:
        """Of the file as it is now; None where there is none."""
        try:
            found = file_path(self._settings).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
