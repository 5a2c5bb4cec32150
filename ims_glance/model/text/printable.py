# SPDX-License-Identifier: Apache-2.0
"""Text that strangers wrote, as it may stand in a report."""

from typing import Any

MOST = 200
"""Characters of a line, unless told otherwise."""


def printable(said: Any, most: int = MOST) -> str:
    """One line of printable characters: each other becomes a blank, and no more than *most* are kept.

    :param said: whatever came; bytes are read as UTF-8
    """
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    # Of a long text only its beginning is looked at.
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
