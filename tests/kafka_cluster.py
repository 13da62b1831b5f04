"""A Kafka cluster of three nodes for one test run, whose nodes may be killed and started again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import kafka_files
import kafka_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

NODES = 3

# Later lines of a properties file override earlier ones. Two listeners: clients of the second one are told the
# addresses of proxies. Dead nodes are noticed in two seconds instead of nine, so that more rounds fit into an hour.
_OVERRIDES = """
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{proxied},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{advertised}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
offsets.topic.replication.factor=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
min.insync.replicas=2
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=300
num.partitions=2
"""


class Cluster:
    """Three nodes, each broker and controller, with every topic on all of them."""

    def __init__(self, folder: Path, proxy: Callable[[int], int]) -> None:
        """Start it.

        Args:
            folder: for the nodes' data and logs.
            proxy: given the port that a node listens on for it, gives the port that clients are to be told.
        """
        numbers = range(1, NODES + 1)
        self._folders = {number: folder / f"kafka-{number}" for number in numbers}
        ports = kafka_files.free_ports(3 * NODES)
        self.ports = dict(zip(numbers, ports, strict=False))
        proxied = dict(zip(numbers, ports[NODES:], strict=False))
        controllers = dict(zip(numbers, ports[2 * NODES :], strict=True))
        self.advertised = {number: proxy(port) for number, port in proxied.items()}
        voters = ",".join(f"{number}@127.0.0.1:{port}" for number, port in controllers.items())
        cluster = kafka_files.new_id()
        for number, at in self._folders.items():
            at.mkdir()
            base = kafka_files.properties(at, port=self.ports[number], controller=controllers[number])
            own = _OVERRIDES.format(
                node=number,
                voters=voters,
                port=self.ports[number],
                proxied=proxied[number],
                controller=controllers[number],
                advertised=self.advertised[number],
            )
            (at / "server.properties").write_text(base + own)
            kafka_files.form(at, cluster=cluster, node=number)
        self.start(numbers)

    @property
    def address(self) -> str:
        """Where to reach the nodes themselves."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports.values())

    @property
    def proxied_address(self) -> str:
        """Where to reach them through the proxies."""
        return ",".join(f"127.0.0.1:{port}" for port in self.advertised.values())

    def start(self, nodes: Iterable[int]) -> None:
        """Start nodes, all at once."""
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(lambda number: kafka_server.launch(self._folders[number], self.ports[number]), nodes))

    def kill(self, nodes: Iterable[int]) -> None:
        """Kill nodes as a power switch would; what they acknowledged is on their disks."""
        for number in nodes:
            kafka_server.stop(self._folders[number])

    def leader(self, topic: str, partition: int) -> int:
        """The node that leads a partition now."""
        import kafka  # noqa: PLC0415 - with deprecated means; the bus has loaded it by now, without their warnings

        admin = kafka.KafkaAdminClient(bootstrap_servers=self.address.split(","))
        try:
            [found] = admin.describe_topics([topic])
            return next(int(one["leader_id"]) for one in found["partitions"] if one["partition_index"] == partition)
        finally:
            admin.close()

    def stop(self) -> None:
        """Kill them all."""
        self.kill(self._folders)
