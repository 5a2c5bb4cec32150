# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.model.image import kinds

MARK = "__visibility_before_sharing"


@pytest.mark.parametrize(
    ("view", "kind"),
    [
        ({"visibility": "public"}, "gold"),
        ({"visibility": "private"}, "private"),
        ({"visibility": "shared"}, "private"),
        ({"visibility": "shared", MARK: "private"}, "shared"),
        ({"visibility": "shared", MARK: "shared"}, "shared"),
        ({"visibility": "private", MARK: "private"}, "private"),
        ({"visibility": "public", MARK: "shared"}, "gold"),
        ({"visibility": "community"}, "private"),
        ({}, "private"),
        ({"visibility": "private", "__imagetype": "market"}, "market"),
        # Only the market is marked; what else is stored does not count.
        ({"visibility": "shared", MARK: "shared", "__imagetype": "private"}, "shared"),
    ],
)
def test_kind_follows_from_what_is_seen(view, kind):
    assert kinds.image_type(view) == kind
