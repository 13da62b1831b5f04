"""A row of the table of what is looked for in texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Pattern:
    """One row.

    The regular expression is tried only where ``anchors``, ``digits`` and ``shapes`` let it, which are looked for
    without one; a row that has none of them is tried on the whole of every text. Of a group named ``secret``, only
    the group is replaced. What is replaced must hold no quotes and no backslashes, so that JSON stays JSON.

    Attributes:
        name: by which it is chosen in ``redact_patterns``; rows may share one.
        finds: in a few words, for people.
        replacement: what stands there instead; must not be found by any row.
        regex: begins with the anchor, or with what may lead it.
        anchors: texts of which one is in everything that is found; in lower case if ``caseless`` or
            ``assigned``.
        caseless: whether an anchor may stand there in any case of letters; such rows need at least 7 ``digits``,
            not more than 64 characters behind the anchor.
        assigned: whether a colon or an equals sign follows the anchor, with at most quotes and spaces between; such
            rows are caseless.
        lead: characters that may belong to it when they stand directly before the anchor, up to 64 of them; of a row
            without anchors, before or behind the digits.
        digits: everything that is found has at least so many, with at most separators between.
        shapes: of a row without anchors, groups of digits of which one is in everything that is found, written with
            ``0`` for a digit, ``-`` for whatever separates them and ``A`` for a capital letter before the first.
        check: how many characters of what was found are it, from its start; 0 is none.
        keys: names in a JSON object under which a text or number is what the row finds, if ``check`` agrees.
    """

    name: str
    finds: str
    replacement: str
    regex: re.Pattern[str]
    anchors: tuple[str, ...] = ()
    caseless: bool = False
    assigned: bool = False
    lead: str = ""
    digits: int = 0
    shapes: tuple[str, ...] = ()
    check: Callable[[str], int] = len
    keys: re.Pattern[str] | None = None


def regex(*pieces: str, any_case: bool = False) -> re.Pattern[str]:
    """Compile the pieces as one expression.

    Letters and digits are ASCII's: those of other scripts that stand beside a number or an address are no part of it.
    Repetitions without a bound are possessive or stand last, so that time grows with the text and not with its square.
    """
    return re.compile("".join(pieces), re.ASCII | (re.IGNORECASE if any_case else 0))
