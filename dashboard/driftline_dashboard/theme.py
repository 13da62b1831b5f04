"""How the dashboard looks: colours that hold on light and dark ground, and one style sheet."""

from __future__ import annotations

from importlib import resources
from typing import Final

PALETTE: Final = ("#2f7fc1", "#c8730f", "#0f9073", "#b3609b", "#8a7a1f", "#6d6fd1")
"""Colours of segments: told apart by colour-blind people, at least 3:1 against both grounds."""

MUTED: Final = "#8a929c"
BAD: Final = "#d6453a"
"""Of what is wrong, and of lines that should not be passed; on both grounds, and never by colour alone."""

STREAMLIT_THEME: Final = {
    "theme.light.primaryColor": "#1f6aa8",
    "theme.light.backgroundColor": "#ffffff",
    "theme.light.secondaryBackgroundColor": "#f4f6f8",
    "theme.light.textColor": "#1b2229",
    "theme.dark.primaryColor": "#5aa5e0",
    "theme.dark.backgroundColor": "#11161c",
    "theme.dark.secondaryBackgroundColor": "#1a2129",
    "theme.dark.textColor": "#dfe5ea",
    "theme.baseRadius": "0.375rem",
}
"""Options of Streamlit. It follows the visitor's system between light and dark by itself."""


def style() -> str:
    """The style sheet as an HTML element."""
    sheet = resources.files("driftline_dashboard").joinpath("style.css").read_text(encoding="utf-8")
    return f"<style>{sheet}</style>"
