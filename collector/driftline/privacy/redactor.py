"""Takes out of texts what must not leave the process: secrets, personal data, binary content."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import TYPE_CHECKING, Final

from driftline.privacy import json_text
from driftline.privacy.binary import may_hold_binary, replace_binary, without_large_urls
from driftline.privacy.find import replace
from driftline.privacy.json_text import Kind
from driftline.privacy.patterns import BUILT_IN
from driftline.privacy.screen import Scan, Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from driftline.privacy.pattern import Pattern

_log = logging.getLogger("driftline")

FAILED: Final = "[redaction failed]"
_SHORT: Final = 40
"""Characters up to which a text is remembered as clean: names of models, features and operations come in every span."""
_CLEAN_MAX: Final = 1_000
_JSON_BEGINS: Final = frozenset('{["')
_INDENT: Final = 64
_SHORTEST: Final = 6
"""Characters of the shortest thing that is found: ``a@b.co``."""
_WORD: Final = 20
"""Letters and digits, without a sign between them, that the shortest key has."""
_ESCAPED: Final = re.compile(r"\\u(?:00(?:[2-7]|[aA]0)|20(?:0[79]|1[0-3]|2[fF]))")
"""ASCII, or what separates digits."""
_PASSES: Final = 8
"""How often what was redacted is looked through again: taking something out can lay bare something beside it."""


class Redactor:
    """Redacts texts; for one thread.

    Args:
        patterns: what to look for.
        hook: the application's own redaction, called with every text after the patterns; inside of JSON with
            each text in it.

    Attributes:
        failures: texts of which nothing was left because the hook raised or gave back no text.
    """

    def __init__(self, patterns: Sequence[Pattern] = BUILT_IN, hook: Callable[[str], str] | None = None) -> None:
        self._screen = Screen(patterns)
        self._hook = hook
        self.failures = 0
        self._clean: set[str] = set()

    def text(self, value: str) -> str:
        """The text without what the patterns find; the same object when that is nothing. Never raises.

        JSON stays JSON: the texts in it are redacted one by one, also those that are JSON themselves.
        """
        if len(value) <= _SHORT and value in self._clean:
            return value
        try:
            redacted = self._text(value)
        except Exception as error:  # noqa: BLE001 - what could not be looked through must not leave the process
            return self._failed(f"redaction raised {type(error).__name__}")
        if redacted is value and len(value) <= _SHORT and self._hook is None:
            if len(self._clean) >= _CLEAN_MAX:
                self._clean.clear()
            self._clean.add(value)
        return redacted

    def _text(self, value: str) -> str:
        value = without_large_urls(value)
        scan = Scan(value)
        if may_hold_binary(scan):
            value = replace_binary(scan)
            scan = Scan(value)
        rows = self._screen.suspects(scan)
        if not rows and self._hook is None and not _hides(scan):
            return value
        redacted = replace(scan, rows) if rows else value
        keyed = [row for row in rows if row.keys]
        if redacted is value and self._hook is None and not keyed and not _hides(scan):
            return value
        kind = json_text.kind_of(value) if value[:_INDENT].lstrip()[:1] in _JSON_BEGINS else Kind.OTHER
        if kind is Kind.OTHER:
            return self._hooked(value if redacted is value else self._again(redacted))
        rewritten = json_text.rewrite(value, self._value, self._name, partial(_member, keyed))
        return rewritten if kind is Kind.WHOLE else self._again(rewritten)

    def _again(self, value: str) -> str:
        for _ in range(_PASSES):
            scan = Scan(value)
            rows = self._screen.suspects(scan)
            redacted = replace(scan, rows) if rows else value
            if redacted is value:
                break
            value = redacted
        return value

    def _hooked(self, value: str) -> str:
        if self._hook is None:
            return value
        try:
            result: object = self._hook(value)
        except Exception as error:  # noqa: BLE001 - the application's function may raise anything
            return self._failed(f"the hook for redaction raised {type(error).__name__}")
        if isinstance(result, str):
            return result
        return self._failed(f"the hook for redaction gave back {type(result).__name__}")

    def _failed(self, why: str) -> str:
        self.failures += 1
        if self.failures == 1:  # and nothing of the error's message, which may hold the text
            _log.warning("driftline: texts are replaced by %s: %s", FAILED, why)
        return FAILED

    def _value(self, text: str) -> str:
        return text if self._hook is None and _is_word(text) else self._text(text)

    def _name(self, text: str) -> str:
        return text if _is_word(text) else self._again(text)  # the hook may not know that it is a name


def _member(keyed: Sequence[Pattern], name: str, text: str) -> str:
    for row in keyed:
        if row.keys and row.keys.fullmatch(name) and row.check(text) == len(text) > 0:
            return row.replacement
    return text


def _is_word(text: str) -> bool:
    """Whether it is too short to hold anything, as most texts in JSON are."""
    return len(text) < _WORD and (len(text) < _SHORTEST or text.isidentifier())


def _hides(scan: Scan) -> bool:
    """Whether something stands escaped, if it is JSON, that would be found if it did not."""
    rest, text = scan.rest, scan.text
    if "\\" not in rest:
        return False
    if "\\/" in rest:
        return True
    if "\\u" not in text:
        return False
    letters = "\\u0" in text and ("@" in rest or "%40" in rest)
    return letters or _ESCAPED.search(text) is not None
