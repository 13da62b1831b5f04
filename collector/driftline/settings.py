"""Every setting of Driftline in one table, and the one way to read them.

A value is looked for as an argument, then in the environment (``DRIFTLINE_<NAME>``), then in a TOML
file (``DRIFTLINE_CONFIG``, else ``driftline.toml`` in the working directory), then in the table.
Written without pydantic because this module runs inside the observed application, where importing
Driftline has to stay cheap.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from driftline.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T", str, int, float, bool)

PREFIX = "DRIFTLINE_"
CONFIG_FILE = "driftline.toml"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One row of the table.

    Attributes:
        default: also fixes the type of the value.
        doc: one sentence for the docs page, with the unit.
        minimum: lowest allowed number, if any.
        maximum: highest allowed number, if any.
        secret: never printed.
        also: another environment variable that is honoured when ours is unset.
    """

    name: str
    default: T
    doc: str
    minimum: float | None = None
    maximum: float | None = None
    secret: bool = False
    also: str | None = None

    @property
    def env(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.name.upper()

    def parse(self, raw: object, source: str) -> T:
        """Turn a raw value into the setting's type.

        Raises:
            SettingsError: the value has another type or lies outside the range; says where it came from.
        """
        kind = type(self.default)
        value = _convert(raw, kind)
        if value is None:
            raise SettingsError(
                f"setting {self.name!r} expects {_expected(kind)} but {source} gives {self._shown(raw)}; "
                f"correct it there"
            )
        too_low = self.minimum is not None and isinstance(value, int | float) and value < self.minimum
        too_high = self.maximum is not None and isinstance(value, int | float) and value > self.maximum
        if too_low or too_high:
            raise SettingsError(
                f"setting {self.name!r} must be between {self.minimum} and {self.maximum} "
                f"but {source} gives {self._shown(raw)}; correct it there"
            )
        return value

    def _shown(self, raw: object) -> str:
        return "***" if self.secret else repr(raw)


def _convert(raw: object, kind: type[T]) -> T | None:
    if kind is bool:
        word = str(raw).strip().lower()
        return kind(word in _TRUE) if word in _TRUE | _FALSE else None
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        return kind(raw)
    except ValueError:
        return None


def _expected(kind: type) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[kind]


TABLE: tuple[Setting[Any], ...] = (
    # Where things are
    Setting("data_dir", "~/.driftline", "Folder of the embedded bus and store and of the spool."),
    Setting("bus", "", "URL of the bus: `sqlite:///path/bus.db` or `kafka://host:9092,host2:9092`, or for applications `http://host:4318` of an OTLP endpoint; empty: bus.db in the data folder.", secret=True),
    Setting("store", "", "URL of the store: `clickhouse://user:pass@host:8443/db?secure=1`; empty: the embedded one in the data folder.", secret=True),
    # The application
    Setting("enabled", True, "Whether the collector records anything at all."),
    Setting("service_name", "", "Name of the observed service.", also="OTEL_SERVICE_NAME"),
    Setting("environment", "", "Deployment environment of the observed service, such as `production`."),
    Setting("release", "", "Version of the observed service."),
    Setting("capture_content", True, "Whether prompts and answers are recorded; without them nothing can be judged or read."),
    Setting("max_content_chars", 32_768, "Longest text kept of one prompt or answer, in characters; the rest is cut and marked.", minimum=256),
    Setting("redact", True, "Whether secrets and personal data are taken out of every text before it leaves the application (docs/privacy.md)."),
    Setting("redact_patterns", "", "What is looked for, by name, with commas between; empty: all that docs/privacy.md lists."),
    Setting("propagate_labels", False, "Whether feature, session, user, experiment and tags go along to other services, as OpenTelemetry baggage, and are taken from theirs. Everybody whom the application calls can read them."),
    Setting("instrument", "", "Libraries whose calls are recorded without a decorator, with commas between them, or `all` that an instrumentation is installed for; empty: none (docs/auto-instrumentation.md)."),
    Setting("follow_threads", True, "Whether threads that an observed request starts belong to it."),
    Setting("handle_sigterm", True, "Whether what was recorded is sent when SIGTERM ends the application, unless it handles that itself."),
    Setting("queue_mb", 64, "Most memory for records that wait to be sent, in MB; from half of it on they wait on disk.", minimum=1, maximum=4096),
    Setting("spool_mb", 1024, "Most space on disk for messages while the bus is away, and as much for records in a burst, in MB; 0: none are kept there.", minimum=0),
    Setting("max_message_bytes", 1_000_000, "Largest message put on the bus, in bytes before compression.", minimum=10_000),
    Setting("guard", "", "Where `driftline.guard()` learns what is contained: a file, or `http://host:4318` of a receiver; empty: guard.json in the data folder. The alert worker writes that file, and the receiver serves it (docs/guard.md).", secret=True),
    Setting("guard_seconds", 5.0, "Time between two looks for what is contained, in seconds.", minimum=0.01, maximum=3600),
    Setting("guard_stale_seconds", 300.0, "Time after which what is contained counts no more if the alert worker has not confirmed it, in seconds.", minimum=1),
    # The receiver
    Setting("receiver_host", "127.0.0.1", "Address that the OTLP/HTTP receiver listens on."),
    Setting("receiver_port", 4318, "Port of the OTLP/HTTP receiver.", minimum=1, maximum=65535),
    Setting("receiver_token", "", "Bearer token that senders must carry; empty: none is asked for.", secret=True),
    Setting("receiver_max_bytes", 16_000_000, "Largest request that the receiver takes, in bytes, also after decompression.", minimum=10_000, maximum=256_000_000),
    # Ingest
    Setting("batch_bytes", 16_000_000, "Most bytes of messages in one insert into the store.", minimum=10_000, maximum=32_000_000),
    Setting("batch_seconds", 1.0, "Pause of a worker between two inserts that are not full, in seconds, so that messages share one.", minimum=0.01, maximum=60),
    Setting("bus_retention_hours", 72.0, "How long the SQLite bus keeps messages that every consumer has finished, in hours.", minimum=0),
    Setting("segments_max", 2_000, "Distinct segments that keep sums of their own; further ones are summed up under `__other__`.", minimum=10, maximum=100_000),
    Setting("settle_seconds", 10.0, "Time after the arrival of a request's root span at which its trace counts as complete, in seconds.", minimum=0, maximum=3600),
    Setting("session_minutes", 30.0, "Time without a request after which a session counts as over, in minutes.", minimum=0, maximum=1440),
    Setting("prices_file", "", "File with prices of your own, which come before the known ones (docs/prices.md); empty: none."),
    # Retention
    Setting("keep_spans_days", 90, "How long spans are kept, in days after they started; 0: for ever.", minimum=0),
    Setting("keep_content_days", 30, "How long prompts, answers, attributes, messages of errors and explanations are kept, in days; the figures beside them stay. 0: as long as their rows.", minimum=0),
    Setting("keep_evaluations_days", 400, "How long scores and feedback are kept, in days; 0: for ever.", minimum=0),
    Setting("keep_minutes_days", 30, "How long sums per minute are kept, in days; 0: for ever.", minimum=0),
    Setting("keep_hours_days", 400, "How long sums per hour, and those that detectors read, are kept, in days; 0: for ever.", minimum=0),
    Setting("keep_days_days", 0, "How long sums per day are kept, in days; 0: for ever.", minimum=0),
    Setting("keep_dead_letters_days", 30, "How long messages that could not be read are kept, in days; 0: for ever.", minimum=0),
    Setting("match_days", 7.0, "How long feedback that names its request by an id alone waits for it, in days; a day more is how old that request may be.", minimum=0, maximum=400),
    # The judge
    Setting("evaluators_file", "", "File with the evaluators (docs/evaluators.md); empty: evaluators.yaml in the working directory, else one judge by the settings below, which are also what a judge of the file has where it says nothing."),
    Setting("judge_rate", 0.01, "Share of calls that are judged, decided by the trace id.", minimum=0, maximum=1),
    Setting("judge_base_url", "", "Address of the OpenAI-compatible endpoint that judges; empty: the openai client's own default.", also="OPENAI_BASE_URL"),
    Setting("judge_api_key", "", "Key for the judge's endpoint; empty: judging is off.", secret=True, also="OPENAI_API_KEY"),
    Setting("judge_model", "gpt-4o-mini", "Model that judges."),
    Setting("judge_rubric", "", "Rubric: the name of one that comes with Driftline, or a file; empty: `quality`."),
    Setting("judge_concurrency", 4, "Judgements under way at once, in each process.", minimum=1, maximum=256),
    Setting("judge_anchor_share", 0.02, "Share of the judgements that is spent on anchors, once there are any (docs/sampling.md).", minimum=0, maximum=1),
    # Alerts and dashboard
    Setting("alerts_file", "", "File of what is watched and who is told; empty: alerts.yaml in the working directory, if there is one."),
    Setting("alert_seconds", 15.0, "Time between two evaluations of the alert rules, in seconds.", minimum=0.5, maximum=3600),
    Setting("drift", True, "Whether everything that is watched is tested for drift (docs/drift.md)."),
    Setting("drift_false_pages", 1.0, "False alarms of drift detection that the whole project accepts in 30 days.", minimum=0.001, maximum=100),
    Setting("drift_warm_up_minutes", 60.0, "Time that the baseline of a new stream spans at least, in minutes.", minimum=0, maximum=10080),
    Setting("slack_webhook_url", "", "Slack incoming webhook that alerts are sent to; empty: alerts are only stored and shown.", secret=True),
    Setting("dashboard_host", "127.0.0.1", "Address that the dashboard listens on."),
    Setting("dashboard_port", 8501, "Port of the dashboard.", minimum=1, maximum=65535),
    Setting("dashboard_url", "", "Address of the dashboard as people reach it, for links in alerts; empty: host and port above."),
    Setting("dashboard_read_only", False, "Whether the dashboard only shows, and nobody can acknowledge, silence, accept or label on it."),
    Setting("dashboard_editors", "", "E-mail addresses of those who may act on the dashboard, with commas between them; they have to log in (docs/dashboard.md). Empty: everybody who sees it."),
)  # fmt: skip

_BY_NAME = {setting.name: setting for setting in TABLE}


@dataclass(frozen=True)
class Settings:
    """The resolved table; read a setting as an attribute."""

    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        shown = {k: ("***" if _BY_NAME[k].secret and v else v) for k, v in self.values.items()}
        return f"Settings({shown})"

    @property
    def data_path(self) -> Path:
        """The data folder, with ``~`` expanded."""
        return Path(self.values["data_dir"]).expanduser()

    @property
    def bus_url(self) -> str:
        """The bus to use, also when none was named."""
        return str(self.values["bus"]) or f"sqlite:///{self.data_path / 'bus.db'}"

    @property
    def guard_place(self) -> str:
        """The file or address where an application learns what is contained, also when none was named."""
        named = str(self.values["guard"])
        return named if named.startswith(("http://", "https://")) else str(self.guard_path)

    @property
    def guard_path(self) -> Path:
        """The file that the alert worker writes and the receiver serves."""
        named = str(self.values["guard"])
        return Path(named).expanduser() if named and "://" not in named else self.data_path / "guard.json"


def load(environ: Mapping[str, str] | None = None, **arguments: object) -> Settings:
    """Read all settings; an argument of None counts as not given.

    Raises:
        SettingsError: an unknown name, a wrong value or an unreadable file.
    """
    environ = os.environ if environ is None else environ
    for name in arguments:
        _known(name, "the call")
    path, from_file = _read_file(environ)
    values: dict[str, Any] = {}
    for setting in TABLE:
        raw, source = _look_up(setting, arguments, environ, from_file, path)
        values[setting.name] = setting.default if source is None else setting.parse(raw, source)
    return Settings(values)


def _look_up(
    setting: Setting[Any],
    arguments: Mapping[str, object],
    environ: Mapping[str, str],
    from_file: Mapping[str, object],
    path: Path,
) -> tuple[object, str | None]:
    if arguments.get(setting.name) is not None:
        return arguments[setting.name], "the argument"
    for variable in (setting.env, setting.also):
        if variable and environ.get(variable, "") != "":
            return environ[variable], f"the environment variable {variable}"
    if setting.name in from_file:
        return from_file[setting.name], str(path)
    return None, None


def _read_file(environ: Mapping[str, str]) -> tuple[Path, dict[str, object]]:
    named = environ.get(PREFIX + "CONFIG", "")
    path = Path(named or CONFIG_FILE)
    try:
        text = path.read_text(encoding="utf-8")
        import tomllib  # noqa: PLC0415 - few applications have a file, and all pay for what is imported

        content = tomllib.loads(text)
    except FileNotFoundError:
        if named:
            raise SettingsError(
                f"the settings file {path} named by {PREFIX}CONFIG does not exist; create it or unset the variable"
            ) from None
        return path, {}
    except ValueError as error:  # not UTF-8, or not TOML
        raise SettingsError(f"the settings file {path} is not valid TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error.strerror}") from None
    for name in content:
        _known(name, str(path))
    return path, content


def _known(name: str, source: str) -> None:
    if name not in _BY_NAME:
        raise SettingsError(f"unknown setting {name!r} in {source}; known are: {', '.join(sorted(_BY_NAME))}")
