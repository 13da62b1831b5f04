"""Keeps applications, and who else is to know, up to date about what is contained."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from driftline_alerts import containment_hook
from driftline_alerts.containment import contained
from driftline_alerts.errands import Errand
from driftline_alerts.transition import latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.containment import Containment
    from driftline_alerts.guard_file import GuardFile


@dataclass(frozen=True)
class Containing:
    """As alerts.yaml says.

    Attributes:
        containment: what is contained, and by what; None: nothing ever is.
        file: that applications follow.
    """

    containment: Containment | None
    file: GuardFile

    def errands(self) -> Iterable[Errand]:
        """None where nothing is contained."""
        if self.containment:
            yield Errand("containment", self._contain)

    def _contain(self, client: Client) -> None:
        assert self.containment is not None  # noqa: S101  else there were no errand
        now = datetime.now(UTC)
        found = contained((one.last for one in latest(client, now).values()), self.containment)
        self.file.put(found, now)
        if self.containment.webhook:
            containment_hook.tell(client, self.containment.webhook, found, lambda: datetime.now(UTC))
