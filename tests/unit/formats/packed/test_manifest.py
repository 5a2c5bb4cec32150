# SPDX-License-Identifier: Apache-2.0
"""Digests are made of what is read, in whatever order, and compared at the end."""

import hashlib

import pytest

from ims_glance.formats.packed import manifest
from ims_glance.formats.refusals import FileRefused
from tests.unit.formats.archives import manifest as written
from tests.unit.formats.files import MIB, InMemory, disk


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_manifests(algorithm):
    digest = hashlib.new(algorithm, b"x").hexdigest()
    assert manifest.parse(written({"a b.ovf": b"x"}, algorithm)) == {"a b.ovf": (algorithm, digest)}


def test_other_ways_to_write_it():
    digest = hashlib.sha256(b"x").hexdigest()
    text = f"\r\nSHA-256 (a.ovf) = {digest.upper()}\r\n"
    assert manifest.parse(text.encode()) == {"a.ovf": ("sha256", digest)}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("MD5(a)= 0cc175b9c0f1b6a831c399e269772661", "has a line"),
        ("SHA256(a)= 00", "has a line"),
        ("SHA256(a)= " + "0" * 40, "has a line"),
        ("nothing", "has a line"),
        (("SHA1(a)= " + "0" * 40 + "\n") * 2, "'a' twice"),
        ("SHA1(" + "a" * 5000 + ")= " + "0" * 40, "has a line"),
    ],
)
def test_manifests_that_are_refused(text, why):
    with pytest.raises(FileRefused, match=why):
        manifest.parse(text.encode())


def test_small_files():
    manifest.check("a", b"x", None)
    manifest.check("a", b"x", ("sha1", hashlib.sha1(b"x").hexdigest()))
    with pytest.raises(FileRefused, match="'a' has not the digest"):
        manifest.check("a", b"y", ("sha1", hashlib.sha1(b"x").hexdigest()))


DATA = disk(3 * MIB + 1536)
RIGHT = ("sha256", hashlib.sha256(DATA).hexdigest())


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [(0, MIB), (MIB, MIB), (2 * MIB, MIB), (3 * MIB, 1536)],
        [(0, 100), (50, 100), (MIB, 10), (100, MIB), (0, 10)],
        [(3 * MIB, 9999), (0, 512)],
    ],
)
def test_digests_of_what_is_read_in_any_order(ranges):
    source = InMemory(DATA)
    digested = manifest.Digested(source, "a", RIGHT)
    assert digested.size == len(DATA)
    for offset, length in ranges:
        assert digested.read(offset, length) == DATA[offset : offset + length]
    digested.finish()


def test_what_was_read_in_order_is_not_read_twice():
    source = InMemory(DATA)
    digested = manifest.Digested(source, "a", RIGHT)
    for offset in range(0, len(DATA), 65536):
        digested.read(offset, 65536)
    got = source.got
    digested.finish()
    assert source.got == got


def test_a_wrong_digest():
    for data in (DATA[:-1], DATA[:-1] + b"x", DATA + b"\0"):
        digested = manifest.Digested(InMemory(data), "a", RIGHT)
        digested.read(0, 10)
        with pytest.raises(FileRefused, match="'a' has not the digest"):
            digested.finish()
