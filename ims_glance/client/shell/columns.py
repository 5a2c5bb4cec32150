# SPDX-License-Identifier: Apache-2.0
"""How values are shown: readable in tables, plain in ``-f json`` and ``-f csv``."""

from typing import Any

from cliff import columns

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


def size(count: float) -> str:
    """A number of bytes for a reader, such as ``1.5 GiB``."""
    step = 0
    while count >= _STEP and step < len(_UNITS) - 1:
        count /= _STEP
        step += 1
    return f"{count:.1f} {_UNITS[step]}" if step else f"{count:.0f} B"


class Size(columns.FormattableColumn[int]):
    """Bytes."""

    def human_readable(self) -> str:
        """As ``1.5 GiB``."""
        return size(self._value)


class YesNo(columns.FormattableColumn[bool]):
    """Whether something is so."""

    def human_readable(self) -> str:
        """As ``yes`` or ``no``."""
        return "yes" if self._value else "no"


class Lines(columns.FormattableColumn[list[dict[str, Any]]]):
    """Records, each on a line."""

    def human_readable(self) -> str:
        """As ``name=value, ...`` lines, without what is empty."""
        return "\n".join(
            ", ".join(f"{key}={value}" for key, value in record.items() if value not in (None, ""))
            for record in self._value
        )


class TextLines(columns.FormattableColumn[list[str]]):
    """Sentences, each on a line."""

    def human_readable(self) -> str:
        """As they are."""
        return "\n".join(self._value)
