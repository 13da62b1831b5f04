"""A whole Driftline on a cluster of three Kafka nodes, with proxies in every connection of ingest."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from driftline.bus import SPANS_TOPIC, open_bus
from driftline.errors import BusError
from driftline.settings import load as load_settings
from driftline_processors.ingest import GROUP
from driftline_processors.prepare import prepare
from faults.parts import Member, Store
from faults.proxy import Proxy
from kafka_cluster import Cluster

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client
    from faults.load import Load

_OPTIONS = "?partitions=2&replication=3"


class World:
    """All parts, running.

    Attributes:
        load: of the round under way.
        failed: whether the data is to be kept for people to look at.
    """

    load: Load
    failed = False

    def __init__(self, folder: Path) -> None:
        self.brokers = threading.Lock()
        with contextlib.ExitStack() as stack:
            self.broker_proxies: list[Proxy] = []
            self.cluster = Cluster(folder, lambda port: self._broker_proxy(stack, port))
            stack.callback(self.cluster.stop)
            self.store = Store(folder)
            stack.callback(lambda: self.store.stop(folder / "data-kept" if self.failed else None))
            self.store_proxy = Proxy(lambda: self.store.port)
            stack.callback(self.store_proxy.close)
            prepare(load_settings({}, data_dir=str(self.store.path))).close()
            self.bus_url = f"kafka://{self.cluster.address}{_OPTIONS}"
            environ = {
                "DRIFTLINE_BUS": f"kafka://{self.cluster.proxied_address}{_OPTIONS}",
                "DRIFTLINE_STORE": self.store.url(self.store_proxy.port),
                "DRIFTLINE_DATA_DIR": str(folder),
                "DRIFTLINE_BATCH_SECONDS": "0.1",
            }
            bus = stack.enter_context(open_bus(self.bus_url))
            self.producer = bus.producer()
            stack.callback(self.producer.close)
            self.members: list[Member] = []
            for number in (1, 2):
                member = Member(folder, f"ingest-{number}", environ)
                stack.callback(member.stop)
                self.members.append(member)
            self._stack = stack.pop_all()

    def close(self) -> None:
        self._stack.close()

    def keep_running(self) -> None:
        """Start again what has ended by itself."""
        self.store.running()
        for member in self.members:
            member.keep_running()

    def client(self) -> Client:
        return self.store.running().client()

    def wait_until_read(self, seconds: float) -> bool:
        """Wait until ingest has finished everything on the bus; false if it has not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.keep_running()
            with contextlib.suppress(BusError), open_bus(self.bus_url) as bus:
                if bus.lag(SPANS_TOPIC, group=GROUP) == 0:
                    return True
            time.sleep(0.1)
        return False

    def _broker_proxy(self, stack: contextlib.ExitStack, port: int) -> int:
        proxy = Proxy(lambda: port)
        stack.callback(proxy.close)
        self.broker_proxies.append(proxy)
        return proxy.port
