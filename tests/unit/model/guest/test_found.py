# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import pytest

from ims_glance.model.guest.found import MOST_ENTRIES, Guest


def test_a_guest_goes_through_json() -> None:
    guest = Guest(
        "linux", "debian", "Debian GNU/Linux 12 (bookworm)", "debian12", 12, 15, "x86_64", "bios",
        "grub2", "deb", "web1", "/dev/sda1", (("/", "/dev/sda1"), ("/boot", "/dev/sda2")),
        ("6.1.0-56-amd64",), True, None, None, None, ("a note",),
    )  # fmt: skip
    assert Guest.of_arguments(json.loads(json.dumps(guest.to_arguments()))) == guest


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"kind": "freebsd"}, None),
        ({"kind": ["linux"]}, None),
        ({"distro": "Debian; rm -rf"}, None),
        ({"distro": "a" * 40}, None),
        ({"arch": 7}, None),
        ({"firmware": "coreboot"}, None),
        ({"major": -1}, 0),
        ({"major": True}, 0),
        ({"major": 1 << 40}, 0),
        ({"has_virtio": "yes"}, None),
        ({"product_name": ""}, None),
        ({"product_name": "a\x1b[2Jb\n\x00c\u202e"}, "a [2Jb c"),
        ({"product_name": "x" * 10_000}, "x" * 119 + "…"),
        ({"hostname": "\ud800\udfff"}, None),
        ({"kernels": "6.1"}, ()),
        ({"kernels": ["6.1\n"] * 1000}, ("6.1",) * MOST_ENTRIES),
        ({"mountpoints": [["/"], 7, None]}, (("/", ""), ("", ""), ("", ""))),
        ({"notes": ["<b>\x07"]}, ("<b>",)),
    ],
)  # fmt: skip
def test_what_a_stranger_wrote_is_cut_to_what_may_be_shown(said: dict[str, Any], kept: Any) -> None:
    [name] = said
    assert getattr(Guest.of_arguments(said), name) == kept
