"""What customers of the demo's made-up shop ask, and what a right answer must contain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Topic:
    """One question that customers ask.

    Attributes:
        question: as the customer writes it.
        answer: a good answer.
        facts: texts that an answer has to contain, in lower case, to be of use.
        vague: an answer that sounds fine and helps nobody.
    """

    question: str
    answer: str
    facts: tuple[str, ...]
    vague: str


TOPICS: Final = (
    Topic(
        "How long does shipping to Spain take?",
        "Standard shipping to Spain takes 4 to 6 working days; express takes 2.",
        ("4 to 6", "2"),
        "Shipping is usually quick, so your parcel should be with you soon!",
    ),
    Topic(
        "Can I return a lamp that I have already used?",
        "Yes: you can return it within 30 days, used or not, as long as nothing is broken. The label is free.",
        ("30 days", "free"),
        "Returns are easy with us, just have a look at our website!",
    ),
    Topic(
        "My invoice shows the wrong VAT number. How do I get a new one?",
        "Open Account, then Billing, correct the VAT number and press Reissue; the new invoice arrives by e-mail.",
        ("billing", "reissue"),
        "Sorry about that! You can sort this out in your account.",
    ),
    Topic(
        "Is the Aurora desk lamp dimmable?",
        "Yes. Aurora has five brightness levels; hold the touch button to step through them.",
        ("five", "touch"),
        "Our lamps come with many great features for every taste!",
    ),
    Topic(
        "What does the warranty cover?",
        "The warranty lasts 3 years and covers the electronics and the battery, but not broken glass.",
        ("3 years", "glass"),
        "We stand behind our products, so you are in good hands.",
    ),
    Topic(
        "How do I cancel an order that I placed this morning?",
        "Orders can be cancelled for 2 hours under My orders; after that, refuse the parcel and we refund you.",
        ("2 hours", "refund"),
        "No problem, orders can often be changed. Check your order page!",
    ),
    Topic(
        "Do you ship spare batteries by air?",
        "No. Lithium batteries travel by road only, so they cannot be ordered with express shipping.",
        ("road", "express"),
        "We ship nearly everything nearly everywhere!",
    ),
    Topic(
        "How can I pay?",
        "With credit card, PayPal or bank transfer; companies can also pay by invoice within 14 days.",
        ("paypal", "14 days"),
        "We offer all the usual ways to pay, pick the one you like.",
    ),
)

CAREFUL_PROMPT: Final = (
    "You are the support assistant of Lumen, a shop for lamps. Answer from the handbook, with the exact numbers, "
    "steps and exceptions. Say so when the handbook does not cover a question."
)
"""Prompt version v1."""

BRIEF_PROMPT: Final = "You are the support assistant of Lumen, a shop for lamps. Be brief, upbeat and friendly!"
"""Prompt version v2: shorter and cheaper, and worse, which nobody noticed in review."""


def topic_of(text: str) -> Topic | None:
    """The topic whose question a text contains."""
    return next((topic for topic in TOPICS if topic.question in text), None)
