# SPDX-License-Identifier: Apache-2.0
"""Text for cells of a table that a spreadsheet will open."""

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula.

    One that begins with a character that formulas begin with, be it after blanks, gets an
    apostrophe in front, which spreadsheets do not show (OWASP "CSV injection").
    """
    is_dangerous = text.startswith(_DANGEROUS) or text.lstrip().startswith(_DANGEROUS)
    return f"'{text}" if is_dangerous else text
