# SPDX-License-Identifier: Apache-2.0
"""No page takes what Horizon puts around every page for something of its own.

Horizon's helpers for tests put nothing there, so that no test of a page would notice.
"""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from horizon import context_processors as horizons
from openstack_dashboard import context_processors as dashboards

from ims_glance import dashboard

TEMPLATES = sorted((Path(dashboard.__file__).parent / "templates").rglob("*.html"))
# What is inside quotes, or behind a dot, is no name.
_NO_NAME = re.compile(r"\"[^\"]*\"|'[^']*'|\.\w+")


def names(template: str) -> set[str]:
    """The words in a template's tags that can be names of the context."""
    tags = re.findall(r"\{[{%](.*?)[%}]\}", template, flags=re.DOTALL)
    return {word for tag in tags for word in re.findall(r"\w+", _NO_NAME.sub(" ", tag))}


def test_names():
    template = (
        """{% for a in b.regions %}{{ a.x|default:"regions" }}{% if c %}{% endif %}{% endfor %}"""
    )
    assert {"a", "b", "c"} <= names(template)
    assert not names(template) & {"regions", "x"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_what_is_horizons_is_left_to_horizon(path):
    request = SimpleNamespace(
        user=SimpleNamespace(is_authenticated=False), session={}, COOKIES={}, META={}
    )
    taken = {*dashboards.openstack(request), *horizons.horizon(request)}
    assert {"regions", "authorized_tenants", "HORIZON_CONFIG"} <= taken
    assert names(path.read_text()) & taken == set()
