"""What names a person or an account: the rows that find it."""

from __future__ import annotations

from typing import Final

from driftline.privacy import checks
from driftline.privacy.pattern import Pattern, regex

_CAPITALS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -\u00a0\u202f"
_LATIN: Final = "A-Za-z0-9\u00c0-\u024f"
_MAILBOX: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.+%" + "".join(
    map(chr, range(0xC0, 0x250))
)

_D: Final = "[0-9]"
# The plain separators and those that typesetters and models put into numbers.
_S: Final = r"[ .\-\u00a0\u2007\u2009\u2010-\u2013\u202f]"
_SEPARATED: Final = rf"(?:{_S}?[()/]{_S}?|{_S})?"
_DASH: Final = r"[-\u2010-\u2013]"
_POINT: Final = r"[-.\u2010-\u2013]"
_NO_WORD: Final = "(?![A-Za-z0-9_])"
_END: Final = _NO_WORD + "(?![-./:][0-9])"
_NO_NUMBER: Final = f"(?!{_S}[0-9])"


def _outside(begun: str) -> str:
    """Not within a longer number, an order's code, a path or a digest.

    Said after the first characters, because only an expression that begins with characters is searched for fast.
    """
    others = ("[A-Za-z0-9_#]", "[A-Za-z][-/]", "[0-9][-./:+]", r"[^A-Za-z]\.", "sha256:")
    return begun + "".join(f"(?<!{other}{begun})" for other in others)


def _alone(count: int) -> str:
    """No other number stands before the first ``count`` digits."""
    return f"(?<!{_D}{_S}{_D * count})"


_NATIONAL: Final = (
    _outside("[(0-9]"),
    "(?:",
    rf"(?<=\()(?:[2-9]{_D}{{2}}\){_S}?[2-9]{_D}{{2}}{_S}{_D}{{4}}",  # (415) 555-2671
    rf"|0[1-9]{_D}{{0,4}}\){_S}?{_D}{{2,4}}(?:{_S}?{_D}{{2,4}}){{1,3}}",  # (030) 123 456 78
    rf"|[1-9]{_D}\){_S}?9?{_D}{{4}}{_S}{_D}{{4}})",  # (11) 91234-5678
    rf"|(?<=[2-9]){_D}{{2}}(?:{_POINT}[2-9]{_D}{{2}}{_S}{_D}{{4}}",  # 415-555-2671
    rf"|{_alone(3)}{_S}[2-9]{_D}{{2}}{_S}{_D}{{4}}{_NO_NUMBER})",  # 415 555 2671
    rf"|(?<=1)(?:{_S}(?:\([2-9]{_D}{{2}}\){_S}?|[2-9]{_D}{{2}}{_S})[2-9]{_D}{{2}}{_S}{_D}{{4}}",  # 1-415-555-2671
    rf"|[3-9]{_D}{_S}{_D}{{4}}{_S}{_D}{{4}})",  # 138 1234 5678
    rf"|(?<=0)0{_S}?[1-9]{_D}{{0,2}}(?!\.){_S}\(?{_D}(?:{_SEPARATED}{_D}){{5,11}}+",  # 0049 30 1234567
    rf"|(?<=0)[1-9](?:{_S}(?!(?:19|20){_D}{{2}}{_S}){_D}{{3,4}}{_S}{_D}{{4}}",  # 03-1234-5678, not 01-2026-1234
    rf"|{_D}{_S}{_D}{{3,4}}{_S}{_D}{{4}}|{_D}{{2,3}}{_S}{_D}{{3,4}}{_S}{_D}{{3,4}}",  # 020 7946 0958, 0412 345 678
    rf"|(?:{_S}?/{_S}?|{_S}){_D}{{8,9}}",  # 06 12345678
    rf"|{_D}{{1,3}}(?:{_S}?/{_S}?|{_S}){_D}{{6,8}}",  # 030 1234567, 0171/1234567
    rf"|{_alone(2)}(?:{_S}{_D}{{2}}){{4}}{_NO_NUMBER}",  # 06 12 34 56 78
    rf"|{_alone(2)}{_D}{{1,2}}{_S}{_D}{{2,3}}{_S}{_D}{{2}}{_S}{_D}{{2,3}}{_NO_NUMBER})",  # 044 668 18 00
    ")",
    _END,
)

ROWS: Final = (
    Pattern(
        "email",
        "e-mail addresses",
        "[email]",
        regex(rf"[{_LATIN}._+%-]{{1,64}}(?:@|%40)(?:[{_LATIN}-]{{1,63}}\.){{1,8}}[A-Za-z]{{2,24}}+(?![0-9(])"),
        anchors=("@", "%40"),
        lead=_MAILBOX,
        check=checks.email,
    ),
    Pattern(
        "iban",
        "IBANs with the right check digits (mod 97)",
        "[iban]",
        regex(
            rf"[A-Z](?<![A-Za-z0-9][A-Z])[A-Z]{_D}{{2}}",
            rf"(?:[A-Z0-9]{{11,30}}+|(?:{_S}[A-Z0-9]{{4}}){{2,7}}(?:{_S}[A-Z0-9]{{1,3}})?){_NO_WORD}",
        ),
        lead=_CAPITALS,
        digits=9,
        shapes=("A",),
        check=checks.iban,
    ),
    Pattern(
        "card",
        "payment card numbers with the right last digit (Luhn), whole or in the groups that stand on cards",
        "[card]",
        regex(
            _outside("[2-6]"),
            rf"(?:{_D}{{12,15}}",
            rf"|{_D}{{3}}({_S}){_D}{{4}}\1{_D}{{4}}\1{_D}{{4}}(?:\1{_D}{{3}})?",
            rf"|{_D}{{3}}({_S}){_D}{{6}}\2{_D}{{4,5}})",
            _END,
        ),
        digits=13,
        check=checks.card,
    ),
    Pattern(
        "ssn",
        "US social security numbers with dashes",
        "[ssn]",
        regex(_outside(_D), rf"{_D}{{2}}({_DASH}){_D}{{2}}\1{_D}{{4}}", _END),
        digits=9,
        shapes=("000-00-0000",),
        check=checks.ssn,
    ),
    Pattern(
        "phone",
        "phone numbers with `+` and the country's code",
        "[phone]",
        regex(rf"\+(?<![A-Za-z0-9_+]\+)[1-9](?:{_SEPARATED}{_D}){{7,19}}+{_NO_WORD}"),
        anchors=("+",),
        digits=9,
        check=checks.international_phone,
    ),
    Pattern(
        "phone",
        "phone numbers with `00` and the country's code; national ones in the groups that are usual in North America, "
        "Europe, Japan, Australia, China and Brazil",
        "[phone]",
        regex(*_NATIONAL),
        digits=9,
        shapes=("00-000", "00-00-00", "0--", "000-0"),
    ),
    Pattern(
        "phone",
        "7 to 15 digits after a word such as `phone`, `mobile` or `call me at`",
        "[phone]",
        regex(
            r"(?:(?<![a-z])|(?<=tele))(?:phone|tel(?:efon)?|mobile|fax|whatsapp|call me)",
            r"[\\\"']{0,8}(?: ?(?:number|no|nr|at|on|is)\b){0,3}[ .:=#]{0,3}[\\\"']{0,8}",
            rf"(?P<secret>[+(]?{_D}(?:{_SEPARATED}{_D}){{6,14}}+){_END}",
            any_case=True,
        ),
        anchors=(
            "phone",
            "telefon",
            "tel:",
            "tel.",
            'tel"',
            "mobile",
            'cell"',
            "fax",
            "whatsapp",
            "call me",
            "call us",
        ),
        caseless=True,
        digits=7,
        check=checks.phone,
        keys=regex(r"[a-z0-9_. -]{0,32}?(?:phone|mobile|fax|whatsapp)(?:[ _-]?(?:number|no|nr))?|tel", any_case=True),
    ),
)
