# SPDX-License-Identifier: Apache-2.0
"""Whether the data of two images is the same."""

import pytest

from ims_glance.client import comparison
from ims_glance.client.comparison import Comparison
from ims_glance.client.resources.image import Image


def read(**more):
    known = {"id": "i", "status": "active", "size": 5, "checksum": "c", "os_hash_algo": "sha512"}
    return Image.existing(**{**known, "os_hash_value": "h", **more})


@pytest.mark.parametrize(
    ("here", "there", "result", "by"),
    [
        ({}, {}, Comparison.SAME, "sha512"),
        ({"checksum": None}, {}, Comparison.SAME, "sha512"),
        ({}, {"os_hash_value": "other"}, Comparison.DIFFERENT, "sha512"),
        ({}, {"size": 6}, Comparison.DIFFERENT, "size"),
        ({}, {"os_hash_algo": "sha256", "os_hash_value": "x"}, Comparison.SAME, "md5"),
        ({}, {"os_hash_value": None}, Comparison.SAME, "md5"),
        ({"os_hash_value": None}, {"checksum": "d"}, Comparison.DIFFERENT, "md5"),
        ({"os_hash_value": None}, {"checksum": None}, Comparison.UNKNOWN, ""),
        ({"os_hash_algo": None, "checksum": None}, {}, Comparison.UNKNOWN, ""),
        ({}, {"status": "deactivated"}, Comparison.SAME, "sha512"),
        ({}, {"status": "saving"}, Comparison.UNFINISHED, ""),
        ({"status": "queued"}, {}, Comparison.UNFINISHED, ""),
    ],
)
def test_two_images(here, there, result, by):
    found = comparison.compare(read(**here), read(**there))
    assert (found.result, found.by) == (result, by)


def test_that_both_know_nothing_is_no_agreement():
    nothing = {"size": None, "checksum": None, "os_hash_value": None}
    assert comparison.compare(read(**nothing), read(**nothing)).result is Comparison.UNKNOWN


def test_what_was_compared_is_told():
    assert comparison.compare(read(), read(os_hash_value="other")).digests == ("h", "other")


def test_what_is_gone():
    assert comparison.compare(None, read()).result is Comparison.MISSING_HERE
    assert comparison.compare(read(), None).result is Comparison.MISSING_THERE


def test_disks_are_compared_by_their_places():
    here = [read(), read(os_hash_value="two"), read()]
    there = [read(os_hash_value="two"), read(os_hash_value="two")]
    results = [each.result for each in comparison.compare_disks(here, there)]
    assert results == [Comparison.DIFFERENT, Comparison.SAME, Comparison.MISSING_THERE]


def test_machines_without_disks_are_not_the_same():
    assert [each.result for each in comparison.compare_disks([], [])] == [Comparison.MISSING_HERE]
