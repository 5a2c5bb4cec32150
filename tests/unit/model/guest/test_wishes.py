# SPDX-License-Identifier: Apache-2.0
import json

from ims_glance.model.guest.wishes import Wishes


def test_wishes_go_through_json() -> None:
    wishes = Wishes(True, "/srv/packages", "/srv/virtio-win", True)
    assert Wishes.of_arguments(json.loads(json.dumps(wishes.to_arguments()))) == wishes


def test_nothing_is_done_that_nobody_wished() -> None:
    assert Wishes.of_arguments({}) == Wishes(False, None, None, False)
    assert Wishes.of_arguments({"package_dir": ""}).package_dir is None
