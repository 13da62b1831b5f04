"""Topics of a Kafka cluster: whether they exist, creating them, and which one a name means now."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import kafka
import kafka.errors as kafka_errors

from driftline.bus.kafka_client import REQUEST_SECONDS, explained, open_client
from driftline.errors import BusError

if TYPE_CHECKING:
    from driftline.bus.kafka_url import KafkaUrl


class Topics:
    """Describes and creates topics, over a connection of its own."""

    def __init__(self, url: KafkaUrl) -> None:
        """Connect.

        Raises:
            BusError: the brokers cannot be reached or refuse us.
        """
        self._url = url
        self._admin = open_client(kafka.KafkaAdminClient, url)

    def ensure(self, topic: str) -> str:
        """Create a topic if it is absent.

        Returns:
            Its identity, see ``identity``.

        Raises:
            BusError: the brokers are away, or refuse to describe or create the topic.
        """
        found = self.identity(topic)
        if found is None:
            with explained(self._url, f"creating the topic {topic!r}"):
                self._create(topic)
                self._admin.wait_for_topics([topic])
            found = self.identity(topic)
        if found is None:
            raise BusError(f"the topic {topic!r} does not show up at {','.join(self._url.servers)}; create it by hand")
        return found

    def identity(self, topic: str) -> str | None:
        """What tells this topic from a later one of the same name; None if there is no such topic.

        For brokers before 2.8, which give topics no id, it is the cluster's id and the topic's name:
        with those, a topic must not be deleted and created again under the same name.

        Raises:
            BusError: the brokers are away, or refuse to describe the topic.
        """
        with explained(self._url, f"describing the topic {topic!r}"):
            (found,) = self._admin.describe_topics([topic])
            if found["error_code"] == kafka_errors.UnknownTopicOrPartitionError.errno:
                return None
            if found["error_code"]:
                raise kafka_errors.for_code(found["error_code"])(topic)
            topic_id = found.get("topic_id")
            if topic_id is not None and uuid.UUID(str(topic_id)).int:
                return str(topic_id)
            return f"{self._admin.describe_cluster()['cluster_id']}-{topic}"

    def members(self, group: str) -> int:
        """Members of a group, by Kafka's name of it; 0 if there is no such group.

        Raises:
            BusError: the brokers are away, or refuse to describe the group.
        """
        with explained(self._url, f"describing the group {group!r}"):
            return len(self._admin.describe_groups([group])[group]["members"] or ())

    def close(self) -> None:
        """Disconnect."""
        self._admin.close()

    def _create(self, topic: str) -> None:
        wanted = {"num_partitions": self._url.partitions, "replication_factor": self._url.replication}
        try:
            self._admin.create_topics({topic: wanted}, timeout_ms=int(REQUEST_SECONDS * 1000))
        except kafka_errors.TopicAlreadyExistsError:
            pass  # another process was faster
        except kafka_errors.BrokerResponseError as error:
            raise BusError(
                f"Kafka at {','.join(self._url.servers)} refuses to create the topic {topic!r} with "
                f"{self._url.partitions} partitions ({type(error).__name__}); create it by hand, allow this "
                "user to create it, or correct partitions= and replication= in the bus URL"
            ) from None
