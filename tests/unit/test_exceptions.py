# SPDX-License-Identifier: Apache-2.0
"""Errors: every one has its family, its code and a message that can be made."""

import re
import string

import pytest

from ims_glance import exceptions

FAMILIES = (
    exceptions.Invalid,
    exceptions.Forbidden,
    exceptions.NotFound,
    exceptions.Conflict,
    exceptions.Unavailable,
)
# They are faults of the service, so no family of refusals fits.
FAULTS = (exceptions.ObjectDamaged, exceptions.InnerStoreMisconfigured)
ERRORS = sorted(
    (
        value
        for value in vars(exceptions).values()
        if isinstance(value, type) and issubclass(value, exceptions.ImsError)
    ),
    key=lambda error: error.__name__,
)


@pytest.mark.parametrize("error", ERRORS)
def test_every_error(error):
    fields = [field for _text, field, *_rest in string.Formatter().parse(error.template) if field]
    made = error(**{field: f"<{field}>" for field in fields})
    assert str(made) == error.template.format(**{field: f"<{field}>" for field in fields})
    assert all(f"<{field}>" in str(made) for field in fields)
    assert made.details == {field: f"<{field}>" for field in fields}
    assert re.fullmatch(r"IMG\.\d{4}", error.code)
    assert error.__doc__


@pytest.mark.parametrize("error", [error for error in ERRORS if error.template.count("{")])
def test_an_incomplete_message_is_a_mistake(error):
    with pytest.raises(KeyError):
        error()


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_one_family(error):
    families = [family for family in FAMILIES if issubclass(error, family)]
    expected = 0 if error in (exceptions.ImsError, *FAULTS) else 1
    assert len(families) == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("KeyNotFound", "IMG.0095"),
        ("KeyUnusable", "IMG.0097"),
        ("KeyDenied", "IMG.0099"),
        ("ServiceKeyDenied", "IMG.0100"),
        ("KeyGone", "IMG.0101"),
        ("ImageNotFound", "IMG.0027"),
        ("ObjectDamaged", "IMG.0057"),
        ("ImsError", "IMG.0061"),
    ],
)
def test_codes_are_frozen(error, code):
    """Clients of the IMS API go by them."""
    assert getattr(exceptions, error).code == code
