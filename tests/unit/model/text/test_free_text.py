# SPDX-License-Identifier: Apache-2.0
"""Names and descriptions, and the codes of their refusals."""

import pytest

from ims_glance import exceptions
from ims_glance.model.text import free_text


@pytest.mark.parametrize("name", ["a", "My-image_1.0", "two  words", "映像", "x" * 128, "é"])
def test_names(name):
    assert free_text.check_name(name) == name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "IMG.0013"),
        ("x" * 129, "IMG.0002"),
        (" x", "IMG.0003"),
        ("x ", "IMG.0003"),
        ("a\nb", "IMG.0003"),
        ("a/b", "IMG.0003"),
        ("<b>", "IMG.0003"),
        ("a\0", "IMG.0003"),
        ("\U00020000", "IMG.0003"),
        ("\N{PILE OF POO}", "IMG.0003"),
    ],
)
def test_no_names(name, code):
    with pytest.raises(exceptions.Invalid) as refused:
        free_text.check_name(name)
    assert refused.value.code == code


@pytest.mark.parametrize("description", ["", 'what it is: \t 100% "that"', "x" * 1024])
def test_descriptions(description):
    assert free_text.check_description(description) == description


@pytest.mark.parametrize(
    ("description", "code"),
    [
        ("x" * 1025, "IMG.0004"),
        ("a\rb", "IMG.0054"),
        ("a\nb", "IMG.0054"),
        ("a < b", "IMG.0054"),
        ("a > b", "IMG.0054"),
        ("a\0b", "IMG.0054"),
        ("\U0001f600", "IMG.0054"),
        ("\ud800", "IMG.0054"),
    ],
)
def test_no_descriptions(description, code):
    with pytest.raises(exceptions.Invalid) as refused:
        free_text.check_description(description)
    assert refused.value.code == code


def test_storable():
    assert free_text.is_storable("a\tb é 映")
    assert not free_text.is_storable("\x7f\0")
