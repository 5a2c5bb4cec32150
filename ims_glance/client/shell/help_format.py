# SPDX-License-Identifier: Apache-2.0
"""How the help of a command is laid out: sentences are filled, examples stay as they were written."""

import argparse
import textwrap
from typing import Any

_HEADINGS = ("Example:", "Examples:")
_INDENT = "  "


def apply(parser: argparse.ArgumentParser) -> None:
    """Have *parser* print its help that way; whatever else its formatter does, colours say, stays."""
    given: Any = parser.formatter_class
    combined: Any = type("HelpFormatter", (_Layout, given), {})
    parser.formatter_class = combined


class _Layout(argparse.HelpFormatter):
    """Lines below a line ``Example:`` or ``Examples:`` are printed as they are, for copying.

    They end with the paragraph. Other text is filled to the terminal's width; what has a hyphen in
    it, as options and names have, is not broken there.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = (paragraph.splitlines() for paragraph in text.split("\n\n"))
        return "\n\n".join(_paragraph(lines, width, indent) for lines in paragraphs)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return [filled for line in text.splitlines() for filled in _filled(line, width)]


def _paragraph(lines: list[str], width: int, indent: str) -> str:
    lines = [line.strip() for line in lines]
    end = next((at for at, line in enumerate(lines) if line in _HEADINGS), len(lines))
    filled = _filled(" ".join(lines[:end]), width - len(indent))
    examples = [_INDENT + line for line in lines[end + 1 :]]
    return "\n".join(indent + line for line in [*filled, *lines[end : end + 1], *examples])


def _filled(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)
