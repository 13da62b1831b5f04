"""Keeps applications, and who else is to know, up to date about what is contained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts import containment_hook
from driftline_alerts.containment import contained
from driftline_alerts.errands import Errand
from driftline_alerts.transition import latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from driftline.containment.state import Contained
    from driftline_alerts.containment import Containment
    from driftline_alerts.guard_file import GuardFile

_LATELY: Final = timedelta(minutes=1)
"""How long after we said something nobody else can have said something newer."""


@dataclass
class Containing:
    """As alerts.yaml says.

    Attributes:
        containment: what is contained, and by what; None: nothing ever is.
        file: that applications follow.
    """

    containment: Containment | None
    file: GuardFile
    _said: tuple[datetime, tuple[Contained, ...]] | None = None

    def errands(self) -> Iterable[Errand]:
        """None where nothing is contained."""
        if self.containment:
            yield Errand("containment", self._contain, self._confirm)

    def _contain(self, client: Client) -> None:
        assert self.containment is not None  # noqa: S101  else there were no errand
        now = datetime.now(UTC)
        found = contained((one.last for one in latest(client, now).values()), self.containment)
        self._said = now, found
        try:
            self.file.put(found, now)
        finally:  # neither has to wait for the other
            if self.containment.webhook:
                containment_hook.tell(client, self.containment.webhook, found, lambda: datetime.now(UTC))

    def _confirm(self) -> None:
        """Stand for what was said, as no alert can change while the store is away."""
        now = datetime.now(UTC)
        if self._said and now - self._said[0] < _LATELY:
            self._said = now, self._said[1]
            self.file.put(self._said[1], now)
