# SPDX-License-Identifier: Apache-2.0
"""Refusals say why, and what to do; what a stranger wrote is shown harmless."""

import pytest

from ims_glance import exceptions
from ims_glance.formats import refusals


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (refusals.FileRefused, "IMG.0057"),
        (refusals.FileCut, "IMG.0057"),
        (refusals.FormatNotRead, "IMG.0072"),
    ],
)
def test_each_has_a_code_a_reason_and_an_advice(kind, code):
    refusal = kind("it has {braces}")
    assert isinstance(refusal, exceptions.Invalid)
    assert refusal.code == code
    assert str(refusal).startswith("The file cannot be read as a disk: it has {braces}. ")
    assert len(str(refusal)) > 80


def test_a_disk_that_is_too_large():
    refusal = refusals.DiskFileTooLarge("it is", "Shrink it.")
    assert (refusal.code, str(refusal)) == (
        "IMG.0055",
        "The file cannot be read as a disk: it is. Shrink it.",
    )


def test_words_of_strangers():
    assert refusals.quoted(b"a\x00\xff\n") == r"'a\x00\xff\n'"
    assert refusals.quoted("\u202e<b>") == r"'\u202e<b>'"
    assert len(refusals.quoted("x" * 1000)) < 80
