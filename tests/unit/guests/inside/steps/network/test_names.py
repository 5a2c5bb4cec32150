# SPDX-License-Identifier: Apache-2.0
import pytest

from ims_glance.guests.inside.steps.network.names import is_card


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("eth0", True), ("ens192", True), ("enp0s3", True), ("em1", True), ("p1p1", True), ("eth0:1", True),
        ("eno1np0", True), ("enx00163e112233", True),
        ("lo", False), ("br0", False), ("bond0", False), ("eth0.5", False), ("tun0", False), ("", False),
    ],
)  # fmt: skip
def test_cards_are_told_by_their_names(name: str, answer: bool) -> None:
    assert is_card(name) is answer
