"""The embedded store, which also answers what the Collector's ClickHouse client asks a server first.

That client asks for name and version in a form of ClickHouse's Native format that only a server writes, and from the
revision in the answer it knows the form of all later ones. Revision 0 is the form that the engine writes.
"""

from __future__ import annotations

import struct
import sys

from driftline_store.embedded import process
from driftline_store.embedded.__main__ import main
from driftline_store.embedded.engine import Engine
from driftline_store.embedded.model import Answer, Statement

HELLO = b"SELECT displayName(), version(), revision(), timezone()"
COLUMNS = (
    ("displayName()", "String", b"\x05store"),
    ("version()", "String", b"\x0626.9.1"),
    ("revision()", "UInt32", struct.pack("<I", 0)),
    ("timezone()", "String", b"\x03UTC"),
)


class EngineForGo(Engine):
    """The engine, with one answer written by hand."""

    def run(self, statement: Statement) -> Answer:
        """Run one statement."""
        if statement.text.strip() != HELLO:
            return super().run(statement)
        # Block information, then four columns of one row, each with a byte that says that it is stored plainly.
        block = b"\x01\x00\x02\xff\xff\xff\xff\x00\x04\x01"
        for name, kind, value in COLUMNS:
            block += bytes([len(name)]) + name.encode() + bytes([len(kind)]) + kind.encode() + b"\x00" + value
        return Answer(block, "Native", {})


if __name__ == "__main__":
    process.Engine = EngineForGo  # type: ignore[misc]
    sys.exit(main())
