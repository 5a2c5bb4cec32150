# SPDX-License-Identifier: Apache-2.0
"""A request as the rules see it: what it holds, and what it is held to."""

import contextlib
from collections.abc import Iterator
from typing import Any

from glance.common import wsgi

from ims_glance.api.common.image import ShownImage
from ims_glance.api.native.call import Limits, NativeCall
from ims_glance.clouds import coordination
from ims_glance.model.image import stores
from tests.unit.api.ims import calls


def make_call(tmp_path: Any, **options: Any) -> NativeCall:
    nobody: Any = None
    limits = Limits(calls.configuration(tmp_path, **options), nobody)
    request = wsgi.Request.blank("/")
    path = "/v2/images/i"
    return NativeCall(request, nobody, path, nobody, nobody, stores.Stores({}, None, None), limits)


def test_limits_are_those_of_the_operator(tmp_path):
    limits = make_call(tmp_path, tags=3, members=5, native_conventions=True).limits
    assert (limits.tags, limits.members, limits.conventions) == (3, 5, True)


def test_the_lock_of_an_image_is_held_once_until_glance_has_answered(tmp_path, monkeypatch):
    held: list[tuple[str, str]] = []

    @contextlib.contextmanager
    def lock(_conf: Any, kind: str, name: str) -> Iterator[None]:
        held.append((kind, name))
        yield
        held.clear()

    monkeypatch.setattr(coordination, "lock", lock)
    call = make_call(tmp_path)
    with call.held:
        for _ in range(2):
            call.hold(ShownImage("", {"id": "i"}))
        assert held == [("image", "i")]
    assert not held
