# SPDX-License-Identifier: Apache-2.0
"""Patterns of JSON schemas, which are those of ECMA-262 and are read by Python here."""


def whole(expression: str) -> str:
    """A pattern that is about the whole of a text, for whoever reads it.

    Python's ``$`` lets a text end in a line feed, and its ``\\Z`` is unknown to ECMA-262.
    """
    return rf"^(?:{expression})$(?!\n)"
