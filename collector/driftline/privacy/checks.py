"""Whether what a pattern matched is one: checksums, lengths and prefixes that a regular expression cannot ask for.

Each check takes the matched text and says how many characters of it, from its start, are what was looked for; 0 is
none. Fewer than all: a card number and the digits written behind it, as in ``4111 1111 1111 1111 123``.
"""

from __future__ import annotations

import re
from typing import Final

_NOT_DIGIT: Final = re.compile(r"[^0-9]+")
_NOT_ALNUM: Final = re.compile(r"[^0-9A-Z]+")

_DOUBLED: Final = str.maketrans("0123456789", "0246813579")
"""The sum of the digits of each digit's double."""

_CARDS: Final = (
    (300000, 305999, (14,)),  # Diners Club
    (309500, 309599, (14,)),
    (340000, 349999, (15,)),  # American Express
    (352800, 358999, (19, 16)),  # JCB
    (360000, 369999, (14,)),  # Diners Club
    (370000, 379999, (15,)),  # American Express
    (380000, 399999, (14,)),  # Diners Club
    (222100, 272099, (16,)),  # Mastercard
    (400000, 499999, (19, 16, 13)),  # Visa
    (510000, 559999, (16,)),  # Mastercard
    (601100, 601199, (19, 16)),  # Discover
    (620000, 629999, (19, 16)),  # UnionPay
    (644000, 659999, (19, 16)),  # Discover
)
"""Rows of (lowest first six digits, highest, lengths)."""

_IBANS: Final = (
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
)
"""Rows of (characters of an IBAN, countries), from the registry of ISO 13616."""

_IBAN_LENGTHS: Final = {country: length for length, countries in _IBANS for country in countries.split()}

_NO_COUNTRY: Final = ("0", "28", "83", "89")
"""What no international phone number begins with."""

_GROUPED: Final = re.compile(r"[+(]?[0-9][0-9 .()/\-\u00a0\u2007\u2009\u2010-\u2013\u202f]*")
_DATE: Final = re.compile(r"(19|20)[0-9]{2}[-./][0-9]{2}[-./][0-9]{2}|[0-9]{1,2}[-./][0-9]{1,2}[-./](19|20)[0-9]{2}")
_SCALE: Final = re.compile(r"[0-9.]{1,3}x\.")
_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")

_PLACEHOLDER: Final = re.compile(
    r"x+|redacted|\[.*\]|<.*>|\(.*\)|\$?\{.*\}|\$[A-Z_]+|%[a-z(].*|your[ _-].*"
    r"|null|none|nil|true|false|undefined|string|str|text|bytes|any|required|optional",
    re.IGNORECASE | re.DOTALL,
)
"""What stands where a password belongs without being one; also what we put there."""


def card(text: str) -> int:
    """A payment card: the digits of a known brand, of its length, with the right last one (Luhn)."""
    digits = _NOT_DIGIT.sub("", text)
    first = int(digits[:6])
    for low, high, lengths in _CARDS:
        if low <= first <= high:
            return next(
                (_end(text, digits, n) for n in lengths if _ends_group(text, digits, n) and _luhn(digits[:n])), 0
            )
    return 0


def iban(text: str) -> int:
    """An IBAN: a country that has them, of its length, with the right check digits (mod 97)."""
    length = _IBAN_LENGTHS.get(text[:2])
    whole = _NOT_ALNUM.sub("", text)
    if length is None or len(whole) < length:
        return 0
    number = whole[4:length] + whole[:4]
    if int("".join(str(int(char, 36)) for char in number)) % 97 != 1:
        return 0
    end = _end(text, whole, length, _NOT_ALNUM)
    return 0 if text[end : end + 1].isalnum() else end


def ssn(text: str) -> int:
    """A US social security number: no part of it is zero, and its area was given out."""
    area, group, serial = (int(part) for part in _NOT_DIGIT.split(text))
    return len(text) if area not in {0, 666} and area < 900 and group and serial else 0


def international_phone(text: str) -> int:
    """A phone number after ``+``: a country's code, 9 to 15 digits, and no amount with thousands."""
    digits = _NOT_DIGIT.sub("", text)
    if digits.startswith(_NO_COUNTRY) or _is_amount(text):
        return 0
    # In North America no area begins with 0 or 1.
    american = (11,) if digits[1] in "23456789" else ()
    lengths = american if digits[0] == "1" else range(15, 8, -1)
    return next((_end(text, digits, n) for n in lengths if _ends_group(text, digits, n)), 0)


def phone(text: str) -> int:
    """A phone number where one is to be expected: nothing but digits and what groups them, enough, and no date."""
    digits = _NOT_DIGIT.sub("", text)
    return len(text) if 7 <= len(digits) <= 15 and _GROUPED.fullmatch(text) and not _DATE.match(text) else 0


def email(text: str) -> int:
    """An address of a person or a mailbox, which ``git@github.com`` and ``image@2x.png`` are not."""
    mailbox, _, domain = text.partition("@")
    return 0 if mailbox == "git" or _SCALE.match(domain) else len(text)


def key(text: str) -> int:
    """Chance made it: hyphenated words have no digits."""
    return len(text) if any(char.isdigit() for char in text) else 0


def secret(text: str) -> int:
    """What stands in quotes where a password does, unless it only says that one belongs there."""
    words = len(text) >= 4 and any(map(str.isalnum, text))
    return len(text) if words and not _PLACEHOLDER.fullmatch(text) else 0


def bare_secret(text: str) -> int:
    """What stands unquoted where a password does: code and prose say more often where it comes from."""
    return len(text) if len(text) >= 6 and key(text) and secret(text) and not _PATH.fullmatch(text) else 0


def opaque(text: str) -> int:
    """What stands where a token or a plain word may stand: long, with letters and digits; perhaps after its scheme."""
    value = text.rpartition(" ")[2]
    mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    return len(text) if len(value) >= 16 and mixed and text.count(" ") <= 1 and secret(text) else 0


def _luhn(digits: str) -> bool:
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, digits[-1::-2] + doubled)) % 10 == 0


def _end(text: str, counted: str, count: int, other: re.Pattern[str] = _NOT_DIGIT) -> int:
    """Where the first ``count`` of the characters that are counted end; ``other`` are those that are not."""
    if len(counted) == count:
        return len(text)
    position = 0
    while count > 0:
        gap = other.match(text, position)
        position = gap.end() if gap else position + 1
        count -= gap is None
    return position


def _ends_group(text: str, digits: str, count: int) -> bool:
    """Whether the first ``count`` digits end where a group of digits does."""
    return len(digits) == count or (len(digits) > count and not text[_end(text, digits, count)].isdigit())


def _is_amount(text: str) -> bool:
    """Whether it is grouped like ``+35.000.000``."""
    groups = text.split(".")
    return len(groups) > 2 and all(len(group) == 3 and group.isdigit() for group in groups[1:])
