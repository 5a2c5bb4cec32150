# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ims_glance.model.text import table_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "  =1", "\n=x", " \t@"])
def test_formulas_become_text(text):
    assert table_text.safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "x", "a=b", "1-2", "Name @home", "映像"])
def test_other_text_stays(text):
    assert table_text.safe(text) == text


@given(st.text(max_size=20))
def test_no_cell_begins_a_formula(text):
    assert not table_text.safe(text).lstrip().startswith(("=", "+", "-", "@"))
