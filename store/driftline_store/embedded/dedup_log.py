"""Mends the deduplication logs of the embedded store after the engine was killed.

A plain MergeTree with a deduplication window writes "part X holds block B" to its log *before* it
commits part X. Killed in between, the engine starts with an entry whose block is nowhere; the redo of
that block is then dropped as a duplicate and its rows are lost. An entry is true only while some part
on disk covers it, so the others are removed before the engine reads the log.

On disk, below ``store/<3 characters>/<uuid>/``: one folder for each part, named
``partition_min_max_level`` or ``partition_min_max_level_mutation``, and
``deduplication_logs/deduplication_log_N.txt`` with lines ``1<TAB>part<TAB>block`` (added) or
``2<TAB>…`` (dropped).
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

LOG_FOLDER = "deduplication_logs"
SCRATCH_NAME = "deduplication_log.new"
_ADDED = b"1"
_PART = re.compile(r"(?P<partition>[^_]+)_(?P<first>\d+)_(?P<last>\d+)_(?P<level>\d+)(?:_(?P<mutation>\d+))?")


@dataclass(frozen=True)
class Part:
    """A part's name taken apart: its partition and the range of insert blocks in it, both ends included."""

    partition: str
    first: int
    last: int

    def covers(self, other: Part) -> bool:
        """Whether the rows of the other part are in this one, as it was or merged or mutated."""
        return self.partition == other.partition and self.first <= other.first and other.last <= self.last


def parse_part(name: str) -> Part | None:
    """Read a folder's name; None for anything but a part (``tmp_…``, ``delete_tmp_…``, ``detached``)."""
    match = _PART.fullmatch(name)
    return Part(match["partition"], int(match["first"]), int(match["last"])) if match else None


def repair(engine_folder: Path) -> int:
    """Remove the entries that no part covers from every table below the folder; the engine must be closed.

    Returns:
        How many entries were removed.
    """
    scratch = engine_folder / SCRATCH_NAME
    return sum(_repair_table(logs.parent, scratch) for logs in sorted(engine_folder.glob(f"store/*/*/{LOG_FOLDER}")))


def _repair_table(table: Path, scratch: Path) -> int:
    parts: dict[str, list[Part]] = {}
    for folder in table.iterdir():
        part = parse_part(folder.name) if folder.is_dir() else None
        if part:
            parts.setdefault(part.partition, []).append(part)
    return sum(_repair_log(log, parts, scratch) for log in sorted((table / LOG_FOLDER).glob("deduplication_log_*.txt")))


def _repair_log(log: Path, parts: dict[str, list[Part]], scratch: Path) -> int:
    lines = log.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if _is_true(line, parts)]
    if len(kept) == len(lines):
        return 0
    # A copy is put in place in one step, so a crash here leaves the old log or the new one. It is made
    # outside of the log folder, where the engine would read it as one more log.
    with scratch.open("wb") as file:
        file.writelines(kept)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(log)
    logger.warning("%s: removed %d entries without a part", log, len(lines) - len(kept))
    return len(lines) - len(kept)


def _is_true(line: bytes, parts: dict[str, list[Part]]) -> bool:
    fields = line.rstrip(b"\n").split(b"\t")
    if not line.endswith(b"\n") or len(fields) != 3:
        return False  # cut short by the kill: the engine could not read it either
    if fields[0] != _ADDED:
        return True
    part = parse_part(fields[1].decode(errors="replace"))
    return part is not None and any(one.covers(part) for one in parts.get(part.partition, ()))
