"""Prompts and answers, no two alike: what the observed function is asked, and what it answers.

Every text begins with a mark of its own (``marks``).
"""

from __future__ import annotations

import random

from openai.types.chat import ChatCompletion

from support.recording.marks import ANSWERED, ASKED, LENGTH, OTHERS, mark

PROMPT, ANSWER = 300, 600
"""Characters."""

POOL = 2_000
_WORDS = """
the a of and to in for with on order parcel delivery customer refund invoice account support please thank you we
our your can could will would today tomorrow Monday address street number amount payment card size colour blue
green small large return exchange shipping express standard free price discount code valid until item shirt shoes
jacket lamp table warranty repair broken missing late early question answer contact help
""".split()  # noqa: SIM905 - fits a page


def pool(seed: int) -> tuple[list[str], dict[str, ChatCompletion]]:
    """``POOL`` prompts, and the answer to each, as the client builds it from JSON."""
    chance = random.Random(seed)
    prompts = [_text(chance, number, PROMPT) for number in range(POOL)]
    texts = [_text(chance, number, ANSWER) for number in range(POOL)]
    return prompts, {prompt: _parsed(text, chance) for prompt, text in zip(prompts, texts, strict=True)}


class Fresh:
    """Prompts and answers made at the call, so that whoever keeps one keeps memory that nobody shares."""

    def __init__(self, count: int, seed: int) -> None:
        chance = random.Random(seed)
        self._marks = [mark(ASKED, number) for number in range(count)]
        self._prompts = [_words(chance, PROMPT) for _ in range(POOL)]
        self._answers = [_words(chance, ANSWER) for _ in range(POOL)]
        self._like = _parsed("", chance)

    def prompt(self, number: int) -> str:
        """Of a call."""
        return f"{self._marks[number]} {self._prompts[number % POOL]}"[:PROMPT]

    def answer(self, prompt: str) -> ChatCompletion:
        """To a prompt of this object: copied from one answer with another text, as validation would take far longer."""
        kind, number = prompt[: len(ASKED)], prompt[len(ASKED) : LENGTH]
        text = f"{ANSWERED if kind == ASKED else OTHERS}{number} {self._answers[hash(prompt) % POOL]}"[:ANSWER]
        choice = self._like.choices[0]
        message = choice.message.model_copy(update={"content": text})
        choices = [choice.model_copy(update={"message": message})]
        return self._like.model_copy(update={"id": f"chatcmpl{number}", "choices": choices})


def _text(chance: random.Random, number: int, length: int) -> str:
    return f"{mark(OTHERS, number)} {_words(chance, length)}"[:length]


def _words(chance: random.Random, length: int) -> str:
    words = chance.choices(_WORDS, k=length // 3)  # some twice as many as are kept
    for place in range(7, len(words), 20):
        words[place] = str(chance.randrange(10_000))
    if chance.random() < 0.1:  # something that redaction finds
        words[5] = f"{words[5]}{chance.randrange(1000)}@example.com"
    return " ".join(words)


def _parsed(text: str, chance: random.Random) -> ChatCompletion:
    tokens = chance.randrange(60, 90), chance.randrange(120, 180)
    return ChatCompletion.model_validate(
        {
            "id": f"chatcmpl-{chance.randbytes(12).hex()}",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": text},
                    "logprobs": None,
                }
            ],
            "usage": {
                "prompt_tokens": tokens[0],
                "completion_tokens": tokens[1],
                "total_tokens": sum(tokens),
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        }
    )
