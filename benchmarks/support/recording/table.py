"""Every library that is measured: one row each."""

from __future__ import annotations

from dataclasses import dataclass, field

FLOOR = "bare SDK, no export"
EXPORTING = "bare SDK, OTLP/HTTP"

_SDK = ("opentelemetry-sdk",)
_OTLP = (*_SDK, "opentelemetry-exporter-otlp-proto-http")

_OTLP_IMPORTS = (
    "from opentelemetry.sdk.trace import TracerProvider; "
    "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter"
)


@dataclass(frozen=True)
class Library:
    """A row.

    Attributes:
        name: for people.
        module: in ``libraries``, with a function ``start`` that gets the options.
        requirements: what pip installs for it.
        imports: the statement whose time is taken.
        environ: variables for its process; ``{url}`` is the sink's.
        folder: of its environment among the peers; empty: it runs in this one.
        in_file: whether calls arrive in ``bus.db`` and not at the sink.
    """

    name: str
    module: str
    requirements: tuple[str, ...]
    imports: str
    options: dict[str, object] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    folder: str = ""
    in_file: bool = False

    @property
    def exports(self) -> bool:
        """Whether anything arrives anywhere."""
        return self.name != FLOOR


def _driftline(bus: str, *, redact: bool) -> Library:
    name = f"Driftline, {'SQLite' if bus == 'sqlite' else 'OTLP/HTTP'}, redaction {'on' if redact else 'off'}"
    options = {"bus": bus, "redact": redact}
    return Library(name, "driftline", ("driftline",), "import driftline", options, in_file=bus == "sqlite")


def _peer(name: str, folder: str, requirements: str, imports: str, **environ: str) -> Library:
    return Library(name, folder, tuple(requirements.split()), imports, environ=environ, folder=folder)


LIBRARIES: tuple[Library, ...] = (
    Library(FLOOR, "sdk", _SDK, "from opentelemetry.sdk.trace import TracerProvider", {"export": False}),
    Library(EXPORTING, "sdk", _OTLP, _OTLP_IMPORTS, {"export": True}),
    _driftline("sqlite", redact=False),
    _driftline("sqlite", redact=True),
    _driftline("http", redact=False),
    _driftline("http", redact=True),
    _peer("OpenLIT 1.45 @trace", "openlit", "openlit==1.45.0", "import openlit"),
    _peer(
        "Traceloop 0.62 @task",
        "traceloop",
        "traceloop-sdk==0.62.4 httpx",  # which it imports and does not name
        "from traceloop.sdk import Traceloop; from traceloop.sdk.decorators import task",
    ),
    _peer("Phoenix OTel 0.17 @chain", "phoenix", "arize-phoenix-otel==0.17.2", "import phoenix.otel"),
    _peer("Langfuse 5.0 @observe", "langfuse", "langfuse==5.0.4", "import langfuse"),
    _peer(
        "Opik 2.2 @track",
        "opik",
        "opik==2.2.122",
        "import opik",
        OPIK_URL_OVERRIDE="{url}/api/",
        OPIK_SENTRY_ENABLE="false",
        OPIK_ANALYTICS_ENABLE="false",
    ),
    _peer(
        "MLflow 3.17 @trace, OTLP",
        "mlflow",
        "mlflow-tracing==3.17.2 opentelemetry-exporter-otlp-proto-http",
        "import mlflow",
        MLFLOW_TRACKING_URI="{url}",  # else it wants packages that it does not bring
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="{url}/v1/traces",
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf",
        MLFLOW_DISABLE_TELEMETRY="true",
    ),
    _peer("Logfire 5.2 @instrument", "logfire", "logfire==5.2.0", "import logfire"),
    _peer(
        "Weave 0.54 @op",
        "weave",
        "weave==0.54.0",
        "import weave",
        WF_TRACE_SERVER_URL="{url}",
        WANDB_BASE_URL="{url}",
        WANDB_API_KEY="0123456789" * 4,
        WEAVE_PRINT_CALL_LINK="false",
        WANDB_ERROR_REPORTING="false",
    ),
)
