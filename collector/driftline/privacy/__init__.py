"""What must not leave the process is taken out of every text before it is sent; used on the export thread only."""

from __future__ import annotations

from driftline.privacy.binary import describe_binary, without_binary
from driftline.privacy.pattern import Pattern
from driftline.privacy.patterns import BUILT_IN, named
from driftline.privacy.redactor import FAILED, Redactor

__all__ = ["BUILT_IN", "FAILED", "Pattern", "Redactor", "describe_binary", "named", "without_binary"]
