# SPDX-License-Identifier: Apache-2.0
"""``conn.ims`` has the operations of all nouns."""

import pytest

from ims_glance.client.proxy import Proxy


@pytest.mark.parametrize("noun", ["image", "backup", "member", "job"])
def test_every_noun_can_be_listed_and_asked_for(noun):
    assert {f"{noun}s", f"get_{noun}"} <= set(dir(Proxy))
