"""Which language a text is in, as an expression of the engine, whose builds mostly come without a detector.

A language of Latin letters is told by its most frequent short words, another one by its script. That is sure enough for
what a check is for: an answer that is in another language than it should be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_processors.conventions.slots import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS: Final = {
    "en": "the and of to is are was that it for with you this not have on be as can your",
    "de": "der die das und ist nicht ein eine ich sie mit für auf zu den von wir auch wird bitte",
    "fr": "le la les et est une des que pour dans vous ne pas sur avec ce cette nous sont votre",
    "es": "el los las y es una que por para con no se su del al como está usted pero más",
    "it": "il gli e è una che per con non di si della sono nel come anche questo ma più lo",
    "pt": "o os as e é uma que por para com não se seu do da em como está você mais",
    "nl": "de het en een is van niet dat op te zijn voor met je wij ook maar dit deze uw",
    "sv": "och att det som är en inte för på av med till den har jag du vi om kan ett",
    "pl": "i w nie to się na z jest że do jak po co tak ale za od przez już był",
}
_SCRIPTS: Final = {
    "ja": r"[\p{Hiragana}\p{Katakana}\p{Han}]",
    "zh": r"\p{Han}",
    "ko": r"\p{Hangul}",
    "ru": r"\p{Cyrillic}",
    "el": r"\p{Greek}",
    "he": r"\p{Hebrew}",
    "ar": r"\p{Arabic}",
    "hi": r"\p{Devanagari}",
    "th": r"\p{Thai}",
}
_KANA: Final = r"[\p{Hiragana}\p{Katakana}]"
"""Without any of these, a text of Chinese characters is not Japanese."""

LANGUAGES: Final = (*_WORDS, *_SCRIPTS)

_ENOUGH: Final = 4
"""Signs of a language from which on a text is long enough to be told."""


def language_sql(text: str, allowed: Iterable[str]) -> str:
    """SQL for whether a text is in one of some languages, or too short to be told.

    Args:
        text: expression.
        allowed: of ``LANGUAGES``.
    """
    signs = ", ".join(_signs(text, language) for language in LANGUAGES)
    names = ", ".join(map(quote, LANGUAGES))
    wanted = ", ".join(map(quote, allowed))
    told = f"arrayMax(n) < {_ENOUGH} OR [{names}][indexOf(n, arrayMax(n))] IN ({wanted})"
    # Each is named once, as what is written out twice is planned and computed twice.
    return f"arrayExists(words -> arrayExists(n -> {told}, [[{signs}]]), [extractAll(lowerUTF8({text}), '\\\\pL+')])"


def _signs(text: str, language: str) -> str:
    if language in _WORDS:
        listed = ", ".join(map(quote, _WORDS[language].split()))
        return f"arrayCount(w -> w IN ({listed}), words)"
    counted = f"countMatches({text}, {quote(_SCRIPTS[language])})"
    return f"if(match({text}, {quote(_KANA)}), {counted}, 0)" if language == "ja" else counted
