"""The embedded store: one process that owns chDB and serves ClickHouse's HTTP interface on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_store.embedded.address import Endpoint, endpoint

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Endpoint", "endpoint", "serve"]


def serve(data_path: Path, *, port: int = 0, with_parent: bool = False) -> None:
    """Run the embedded store until SIGTERM or SIGINT; see `driftline_store.embedded.process.serve`.

    Args:
        data_path: the data folder.
        port: TCP port on 127.0.0.1; 0 takes any that is free.
        with_parent: stop when the process that started this one is gone.

    Raises:
        StoreError: the folder is in use or cannot be used, the port is taken, or the engine does not open.
    """
    from driftline_store.embedded import process  # noqa: PLC0415  the server's packages, which a mere client does not need

    process.serve(data_path, port=port, with_parent=with_parent)
