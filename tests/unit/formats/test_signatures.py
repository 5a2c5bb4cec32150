# SPDX-License-Identifier: Apache-2.0
"""A file is what its bytes say, and one thing only; its name can only make that doubtful."""

import pytest

from ims_glance.formats import signatures
from ims_glance.formats.refusals import FileRefused, FormatNotRead
from tests.unit.formats.files import InMemory

SIZE = 40_000


def with_magics(*chosen):
    data = bytearray(SIZE)
    for each in chosen:
        data[each.offset : each.offset + len(each.magic)] = each.magic
    return bytes(data)


@pytest.mark.parametrize("magic", signatures.MAGICS, ids=lambda each: each.format)
def test_each_format_is_known(magic):
    assert signatures.look(InMemory(with_magics(magic))) == magic.format


def test_what_has_no_magic_is_a_raw_disk():
    assert signatures.look(InMemory(bytes(SIZE))) == "raw"
    assert signatures.look(InMemory(b"x")) == "raw"


def test_a_fixed_vhd_has_it_at_its_end():
    assert signatures.look(InMemory(bytes(512) + b"conectix".ljust(512, b"\0"))) == "vhd"


PAIRS = [
    (one, other)
    for one in signatures.MAGICS
    for other in signatures.MAGICS
    if one.offset < other.offset
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda each: each.format)
def test_two_things_at_once(one, other):
    with pytest.raises(FileRefused, match="at once"):
        signatures.look(InMemory(with_magics(one, other)))


@pytest.mark.parametrize("magic", signatures.MAGICS, ids=lambda each: each.format)
def test_something_that_ends_as_a_vhd(magic):
    data = with_magics(magic)[:-512] + b"conectix".ljust(512, b"\0")
    if magic.format == "vhd":
        assert signatures.look(InMemory(data)) == "vhd"
    else:
        with pytest.raises(FileRefused, match=f"{magic.format} and vhd at once"):
            signatures.look(InMemory(data))


@pytest.mark.parametrize("magic", signatures.NOT_READ)
def test_what_would_pass_for_a_raw_disk(magic):
    with pytest.raises(FormatNotRead):
        signatures.look(InMemory(magic + bytes(SIZE)))


@pytest.mark.parametrize("name", ["a.vmdk", "a.b.QCOW2", "a.vhd", "a.ova", "a.iso", "a.gz", "a.mf"])
def test_names_that_promise_more_than_a_raw_disk(name):
    with pytest.raises(FileRefused, match="its name ends in"):
        signatures.check_name(name, {"raw"})


@pytest.mark.parametrize("name", ["a.raw", "a.img", "a", "a.bin", "vmdk.", ".", "vmdk/disk"])
def test_names_that_promise_nothing(name):
    signatures.check_name(name, {"raw"})


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.qcow2", {"qcow2"}), ("a.qcow2", {"qcow"}), ("a.raw", {"qcow2"}), ("a.vmdk", {"vhd"})],
)
def test_what_is_found_counts_more_than_a_name(name, found):
    signatures.check_name(name, found)
