"""Keys, tokens and passwords: the rows that find them."""

from __future__ import annotations

from typing import Final

from driftline.privacy import checks
from driftline.privacy.pattern import Pattern, regex

# Not within a longer word. It also lets a run of such characters be tried only once.
_START: Final = r"(?<![A-Za-z0-9_-])"
_WORD: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

_STRONG: Final = (
    r"(?:(?:api|access|secret|private|account|signing|encryption)[ _-]?key|secret|passw(?:or)?d|passphrase|pwd"
    r"|credentials?|(?:access|auth|refresh|id|api|bearer|session)[_-]?token)"
)
_WEAK: Final = r"(?:(?<!next)(?<!next[_-])(?<!page)(?<!page[_-])token|authorization)"
_BEFORE: Final = r"[a-z0-9_-]{0,48}?"
_KEY_BEFORE: Final = r"[a-z0-9_. -]{0,48}?"
_IS: Final = r"[\\\"']{0,8}[ \t]{0,4}(?:=>|:?=|:)[ \t]{0,4}"
_QUOTED: Final = r"[bfru]{0,2}\\{0,7}[\"'](?P<secret>[^\"'`\\\r\n)\]},;:][^\"'`\\\r\n]{3,511})"
_BARE: Final = r"(?P<secret>[a-z0-9][^\s\"'`,;&<>()\[\]{}\\]{5,511}+)(?![(\[])"
_OPAQUE: Final = r"[\"']{0,8}(?:(?:basic|bearer|token|apikey) )?(?P<secret>[a-z0-9][a-z0-9._~+/=-]{15,511}+)(?![(\[])"
_NAMES: Final = (
    *("key", "secret", "password", "passwd", "passphrase", "pwd", "credential", "credentials", "token"),
    *("api key", "access key", "private key"),
)

ROWS: Final = (
    Pattern(
        "private_key",
        "private keys in PEM form, also cut ones",
        "[private key]",
        regex(
            r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,4}PRIVATE KEY(?: BLOCK)?-----",
            r"(?:\s{0,8}[A-Z][A-Za-z-]{1,30}: [^\"\r\n]{0,200}+){0,8}(?:[\s\\]{0,12}[A-Za-z0-9+/]{16,}+={0,2})++",
            r"(?:[\s\\]{0,12}[A-Za-z0-9+/=]{0,80}[\s\\]{0,12}-----END [A-Z0-9 ]{1,60}-----)?",
        ),
        anchors=("-----BEGIN ",),
    ),
    Pattern(
        "api_key",
        "keys of OpenAI, Anthropic and others that begin with `sk-`",
        "[api key]",
        regex(_START, r"sk-[A-Za-z0-9_-]{20,}"),
        anchors=("sk-",),
        check=checks.key,
    ),
    Pattern(
        "api_key",
        "GitHub tokens",
        "[api key]",
        regex(_START, r"(?:gh[opsru]_[A-Za-z0-9_]{36,}|github_pat_[A-Za-z0-9_]{22,})"),
        anchors=("ghp_", "gho_", "ghs_", "ghu_", "ghr_", "github_pat_"),
    ),
    Pattern(
        "api_key",
        "AWS access key ids",
        "[api key]",
        regex(_START, r"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
        anchors=("AKIA", "ASIA"),
    ),
    Pattern(
        "api_key",
        "Google API keys",
        "[api key]",
        regex(_START, r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9])"),
        anchors=("AIza",),
    ),
    Pattern(
        "api_key",
        "Slack tokens",
        "[api key]",
        regex(_START, r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[A-Za-z0-9-]{10,}"),
        anchors=("xox", "xapp-"),
        check=checks.key,
    ),
    Pattern(
        "api_key",
        "Slack webhooks",
        "[api key]",
        regex(r"hooks\.slack\.com/[a-z]{1,12}/(?P<secret>[A-Za-z0-9/_-]{20,})"),
        anchors=("hooks.slack.com/",),
    ),
    Pattern(
        "api_key",
        "keys of Groq, Hugging Face, xAI, Perplexity and Stripe",
        "[api key]",
        regex(_START, r"(?:gsk_|hf_|xai-|pplx-|[rs]k_live_)[A-Za-z0-9_-]{20,}"),
        anchors=("gsk_", "hf_", "xai-", "pplx-", "sk_live_", "rk_live_"),
        check=checks.key,
    ),
    Pattern(
        "token",
        "JSON web tokens",
        "[token]",
        regex(_START, r"eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]++){0,3}"),
        anchors=("eyJ",),
    ),
    Pattern(
        "token",
        "what follows `Bearer`",
        "[token]",
        regex(r"(?<![A-Za-z])Bearer {1,3}(?P<secret>[A-Za-z0-9._~+/-]{16,}+=*+)"),
        anchors=("Bearer ",),
        digits=1,
        check=checks.opaque,
    ),
    Pattern(
        "secret",
        "passwords in URLs: `://user:…@`",
        "[secret]",
        regex(r"://[^\s/:@\"'\\?#]{0,64}:(?P<secret>[^\s/@\"'\\]{1,256})@"),
        anchors=("://",),
        check=checks.secret,
    ),
    Pattern(
        "secret",
        "quoted texts under names such as `password`, `api_key`, `client_secret`, `access_token`",
        "[secret]",
        regex(_BEFORE, _STRONG, _IS, _QUOTED, any_case=True),
        anchors=_NAMES,
        assigned=True,
        lead=_WORD,
        check=checks.secret,
        keys=regex(_KEY_BEFORE, _STRONG, any_case=True),
    ),
    Pattern(
        "secret",
        "the same without quotes, when there is a digit in it",
        "[secret]",
        regex(r"(?<![:/])", _BEFORE, _STRONG, _IS, _BARE, any_case=True),
        anchors=_NAMES,
        assigned=True,
        lead=_WORD,
        digits=1,
        check=checks.bare_secret,
    ),
    Pattern(
        "secret",
        "what follows `token` and `Authorization`, when it looks as if chance had made it",
        "[secret]",
        regex(_BEFORE, _WEAK, _IS, _OPAQUE, any_case=True),
        anchors=("token", "authorization"),
        assigned=True,
        lead=_WORD,
        digits=1,
        check=checks.opaque,
        keys=regex(_KEY_BEFORE, _WEAK, any_case=True),
    ),
)
