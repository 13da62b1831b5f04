"""What a ``kafka://`` URL says, checked, with the password kept out of sight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from driftline.errors import SettingsError

_SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_OPTIONS = ("security", "mechanism", "cafile", "partitions", "replication")
DEFAULT_PARTITIONS = 4


class Secret(str):
    """A password that does not show itself: kafka-python logs its whole configuration when debugging."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True)
class KafkaUrl:
    """The parts of the URL.

    Attributes:
        shown: the URL with the password replaced by ``***``.
        servers: ``host:port`` each.
        security: Kafka's ``security.protocol``.
        mechanism: SASL mechanism; empty without a user.
        partitions: of topics that Driftline creates.
        replication: of topics that Driftline creates; -1 leaves it to the broker.
    """

    shown: str
    servers: tuple[str, ...]
    user: str
    password: Secret
    security: str
    mechanism: str
    cafile: str
    partitions: int
    replication: int

    def client_options(self) -> dict[str, Any]:
        """The options by which every kafka-python client finds and logs in to the brokers."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "security_protocol": self.security,
        }
        if self.cafile:
            options["ssl_cafile"] = self.cafile
        if self.mechanism:
            options["sasl_mechanism"] = self.mechanism
            options["sasl_plain_username"] = self.user
            options["sasl_plain_password"] = self.password
        return options


def parse_kafka_url(url: str) -> KafkaUrl:
    """Read ``kafka://[user:password@]host:port[,host:port][?option=value&…]``.

    Raises:
        SettingsError: a part is missing, unknown or out of range; the text never shows the password.
    """
    rest, _, query = url.removeprefix("kafka://").partition("?")
    login, at, hosts = rest.rstrip("/").rpartition("@")
    name, colon, word = login.partition(":")
    masked = f"{name}{colon and ':***'}{at}"
    shown = f"kafka://{masked}{hosts}{query and '?' + query}"
    servers = tuple(_server(part, shown) for part in hosts.split(","))
    options = _options(query, shown)
    security = _one_of("security", options, _SECURITY, "SASL_SSL" if login else "PLAINTEXT", shown)
    mechanism = _one_of("mechanism", options, _MECHANISMS, "PLAIN", shown)
    if bool(login) != security.startswith("SASL"):
        raise _wrong(shown, f"security={security} with a login", "a login exactly with SASL_SSL or SASL_PLAINTEXT")
    return KafkaUrl(
        shown=shown,
        servers=servers,
        user=unquote(name),
        password=Secret(unquote(word)),
        security=security,
        mechanism=mechanism if login else "",
        cafile=options.get("cafile", ""),
        partitions=_number("partitions", options, DEFAULT_PARTITIONS, shown),
        replication=_number("replication", options, -1, shown),
    )


def _wrong(shown: str, came: str, expected: str) -> SettingsError:
    return SettingsError(f"the bus URL {shown} has {came} but may have {expected}; correct the setting 'bus'")


def _server(part: str, shown: str) -> str:
    host, colon, port = part.rpartition(":")
    if not colon or part.endswith("]"):
        host, port = part, "9092"
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise _wrong(shown, f"the server {part!r}", "servers such as host:9092,host2:9092")
    return f"{host}:{port}"


def _options(query: str, shown: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS:
            raise _wrong(shown, f"the option {name!r}", f"only {', '.join(_OPTIONS)}")
    return options


def _one_of(name: str, options: dict[str, str], allowed: tuple[str, ...], default: str, shown: str) -> str:
    value = options.get(name, default).upper()
    if value not in allowed:
        raise _wrong(shown, f"{name}={value}", f"{name} one of {', '.join(allowed)}")
    return value


def _number(name: str, options: dict[str, str], default: int, shown: str) -> int:
    if name not in options:
        return default
    value = options[name]
    if not value.isdigit() or not 1 <= int(value) <= 10_000:
        raise _wrong(shown, f"{name}={value}", f"{name} between 1 and 10000")
    return int(value)
