# SPDX-License-Identifier: Apache-2.0
"""Filling in templates: ``${name}`` is replaced, ``$$`` is a dollar."""

import os
import string
from collections.abc import Mapping
from pathlib import Path

from pocket_cloud.errors import PocketError

FOLDER = Path(__file__).parent / "templates"


def fill(text: str, values: Mapping[str, str], origin: str = "") -> str:
    """*text* with its names replaced.

    :raises PocketError: if a name is unknown or the text is malformed; the message has *origin*.
    """
    try:
        return string.Template(text).substitute(values)
    except KeyError as error:
        raise PocketError(f"{origin}: no value for ${{{error.args[0]}}}") from error
    except ValueError as error:
        raise PocketError(f"{origin}: {error}") from error


def render(name: str, values: Mapping[str, str]) -> str:
    """The template called *name*, filled in."""
    return fill((FOLDER / name).read_text(), values, f"templates/{name}")


def write(path: Path, text: str, mode: int = 0o600) -> bool:
    """Write *text*, unless it is there already; the files hold passwords.

    :returns: whether the file changed.
    """
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.touch(mode=mode)
    partial.write_text(text)
    os.replace(partial, path)
    return True
