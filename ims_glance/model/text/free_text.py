# SPDX-License-Identifier: Apache-2.0
"""Names and descriptions (IMS "Image attributes": name, __description)."""

import re

from ims_glance import exceptions

MAX_NAME = 128
MAX_DESCRIPTION = 1024

# Letters (of any script, as the SDK allows Chinese), digits, "-", "." and "_", and blanks inside.
_NAME = re.compile(r"[\w.-]+( +[\w.-]+)*")
# Glance's tables take no characters beyond the basic plane everywhere.
_BEYOND = re.compile(r"[^\x09\x20-\ud7ff\ue000-\uffff]")
_FORBIDDEN = re.compile(r"[\r\n<>]")


class NameMissing(exceptions.Invalid):
    """An image must have a name."""

    code = "IMG.0013"
    template = "An image needs a name of 1 to 128 characters."


class NameTooLong(exceptions.Invalid):
    """The name is too long."""

    code = "IMG.0002"
    template = "The name has {length} characters; 128 are the most."


class NameMalformed(exceptions.Invalid):
    """The name has characters that it may not have."""

    code = "IMG.0003"
    template = (
        "The name may have letters, digits, '-', '.', '_', and blanks between them, and neither "
        "begin nor end with a blank."
    )


class DescriptionTooLong(exceptions.Invalid):
    """The description is too long."""

    code = "IMG.0004"
    template = "The description has {length} characters; 1024 are the most."


class DescriptionMalformed(exceptions.Invalid):
    """The description has characters that it may not have."""

    code = "IMG.0054"
    template = "The description may have no line breaks, no '<' and no '>'."


def is_storable(text: str) -> bool:
    """Whether a text has only characters that Glance's database takes."""
    return not _BEYOND.search(text)


def check_name(name: str) -> str:
    """The name, if an image may have it.

    :raises NameMissing, NameTooLong, NameMalformed: if not
    """
    if not name:
        raise NameMissing
    if len(name) > MAX_NAME:
        raise NameTooLong(length=len(name))
    if not _NAME.fullmatch(name) or _BEYOND.search(name):
        raise NameMalformed
    return name


def check_description(text: str) -> str:
    """The description, if an image may have it.

    :raises DescriptionTooLong, DescriptionMalformed: if not
    """
    if len(text) > MAX_DESCRIPTION:
        raise DescriptionTooLong(length=len(text))
    if _FORBIDDEN.search(text) or _BEYOND.search(text):
        raise DescriptionMalformed
    return text
