"""CPU time of redacting a text, beside six plain regular expressions on the same texts.

    python benchmarks/redaction.py [--quick] [--json]

Both run in this one process, in turns, on the same texts: of each kind 20 that differ, as no two calls of an
application are alike. Nothing is written or sent. The six are what one writes first: an API key, an e-mail
address, a phone number, a card, an IBAN and an assigned password, each with ``re.sub`` on the whole text.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
import statistics
import time
import uuid
from typing import TYPE_CHECKING, Any

from driftline.privacy import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

VARIANTS = 20
CHARACTERS_A_ROUND = 60_000
NAIVE = tuple(
    re.compile(pattern)
    for pattern in (
        r"sk-[A-Za-z0-9_-]{20,}",
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
        r"\+?\d[\d\s().-]{7,}\d",
        r"\b(?:\d[ -]?){13,19}\b",
        r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b",
        r"(?i)(?:api[_-]?key|token|password)\s*[:=]\s*\S+",
    )
)
WORDS = re.findall(
    "[a-z]+",
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were all her she there would their we him been has when who will no more if out so up said what its about "
    "than into them can only other time new some could these two may first then do any like my now over such our man "
    "answer question customer parcel order return refund warehouse tomorrow number support address policy delivery",
)
JAPANESE = "お問い合わせありがとうございます。ご注文の商品は三日以内に発送いたします。届かない場合はご連絡ください。"


def prose(chance: random.Random, length: int) -> str:
    """Sentences of random words."""
    text = ""
    while len(text) < length:
        sentence = " ".join(chance.choices(WORDS, k=chance.randrange(6, 16)))
        text += sentence[0].upper() + sentence[1:] + chance.choice([". ", ", ", "? ", ": "])
    return text[:length]


def numbers(chance: random.Random, length: int) -> str:
    """The same with some small numbers."""
    words = prose(chance, length).split(" ")
    for _ in range(length // 60):
        words[chance.randrange(len(words))] = chance.choice(["35", "2026", "12.99", "7", "2.3.1", "14:30", "1,250"])
    return " ".join(words)[:length]


def holding(something: str) -> Callable[[random.Random], str]:
    """600 characters with something in the middle."""
    return lambda chance: f"{prose(chance, 300)} {something} {prose(chance, 300)}"


def messages(chance: random.Random) -> str:
    """A conversation as instrumentations write it."""
    texts = [f"{prose(chance, 150)}\n\n“{prose(chance, 150)}”" for _ in range(2)]
    roles = ("user", "assistant")
    return json.dumps(
        [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in zip(roles, texts, strict=True)]
    )


def tool_call(chance: random.Random) -> str:
    """A call of a tool, with ids and times, its arguments being JSON too."""
    order = {"order": str(uuid.UUID(int=chance.getrandbits(128))), "since": "2026-11-20T12:30:45Z", "limit": 100}
    call = {"type": "tool_call", "id": f"call_{chance.getrandbits(80):020x}", "arguments": json.dumps(order)}
    return json.dumps([{"role": "assistant", "created": 1732100000 + chance.randrange(10**6), "parts": [call]}] * 2)


def japanese(chance: random.Random) -> str:
    """300 characters without a Latin letter."""
    sentences = "。".join(chance.sample(JAPANESE.split("。"), 4))
    return (sentences * 20)[:280] + "🎉" * chance.randrange(1, 20)


def image(chance: random.Random) -> str:
    """A message with a picture of 100 kB in it."""
    return json.dumps([{"url": f"data:image/png;base64,{base64.b64encode(chance.randbytes(100_000)).decode()}"}])


KINDS: dict[str, Callable[[random.Random], str]] = {
    "prose, 300 characters": lambda chance: prose(chance, 300),
    "prose with small numbers, 600": lambda chance: numbers(chance, 600),
    "prose, 900": lambda chance: prose(chance, 900),
    "prose, 30,000": lambda chance: numbers(chance, 30_000),
    "Japanese and emoji, 300": japanese,
    "JSON, a conversation": messages,
    "JSON, tool calls with ids and times": tool_call,
    "an e-mail address in 600": holding("jane.doe@example.com"),
    "a card in 600": holding("4111 1111 1111 1111"),
    "an image of 100 kB": image,
}


def naive(text: str) -> str:
    """What one writes first."""
    for pattern in NAIVE:
        text = pattern.sub("[redacted]", text)
    return text


def cpu(function: Callable[[str], str], texts: list[str], repeats: int) -> float:
    """Nanoseconds of CPU a text."""
    began = time.thread_time_ns()
    for _ in range(repeats):
        for text in texts:
            function(text)
    return (time.thread_time_ns() - began) / (repeats * len(texts))


def measure(rounds: int) -> list[dict[str, Any]]:
    """The best of the rounds, in which kinds and ways take turns: whatever disturbs a round only adds to it."""
    chance = random.Random(7)
    texts = {kind: [make(chance) for _ in range(VARIANTS)] for kind, make in KINDS.items()}
    ours: dict[str, list[float]] = {kind: [] for kind in KINDS}
    theirs: dict[str, list[float]] = {kind: [] for kind in KINDS}
    redactor = Redactor()
    for _ in range(rounds):
        for kind, those in texts.items():
            repeats = max(CHARACTERS_A_ROUND // sum(map(len, those)), 1)
            ours[kind].append(cpu(redactor.text, those, repeats))
            theirs[kind].append(cpu(naive, those, 1))
    return [
        {
            "text": kind,
            "characters": round(statistics.mean(map(len, those))),
            "ns": round(min(ours[kind])),
            "naive_ns": round(min(theirs[kind])),
            "ratio": round(min(theirs[kind]) / min(ours[kind]), 1),
        }
        for kind, those in texts.items()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 30")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    if not options.json:
        print(f"{'text':38} {'characters':>10} {'µs':>9} {'six plain patterns, µs':>23} {'times':>6}")
    for row in measure(rounds=5 if options.quick else 30):
        if options.json:
            print(json.dumps(row))
        else:
            print(
                f"{row['text']:38} {row['characters']:10,} {row['ns'] / 1e3:9.1f} "
                f"{row['naive_ns'] / 1e3:23.1f} {row['ratio']:6.1f}"
            )


if __name__ == "__main__":
    main()
