# SPDX-License-Identifier: Apache-2.0
"""What of an upload is not seen from the command line (``shell/test_files.py``)."""

import re

import pytest

from ims_glance.client import upload
from tests.unit.client.cloud import OBJECTS


def new(cloud):
    return upload.NewObject(cloud.connection().object_store.request, "a b", "n", {"X-A": "1"})


def test_a_name_is_one_everywhere_and_no_other_objects():
    first, second = (upload.object_name("my disk\u202e/1.raw", "mine-") for _each in range(2))
    assert re.fullmatch(r"mine-[0-9a-f]{8}-my_disk_1\.raw", first)
    assert first != second
    assert len(upload.object_name("x" * 300 + ".raw")) == 109


def test_so_many_segments_are_the_most():
    assert upload.segment_size(1) == upload.SEGMENT
    assert upload.segment_size(2000 << 30) == 2 << 30


def test_segments_have_the_headers_too(cloud):
    for path in ("a%20b", "a%20b_segments", "a%20b/n", "a%20b_segments/n/000000"):
        cloud.json("PUT", f"{OBJECTS}/{path}", None, 201)
    made = new(cloud)
    made.put_segment(iter([b"da", b"ta"]), lambda: 4)
    made.join()
    *_containers, segment, joined = cloud.sent("PUT")
    assert (segment.body, segment.headers["X-A"], joined.headers["X-A"]) == (b"data", "1", "1")
    (listed,) = joined.body
    assert (listed["path"], listed["size_bytes"]) == ("/a b_segments/n/000000", 4)


def test_what_was_not_begun_is_not_deleted(cloud):
    new(cloud).delete()
    assert cloud.requests == []


def test_a_refusal_has_its_status(cloud):
    cloud.json("PUT", f"{OBJECTS}/a%20b", None, 507)
    with pytest.raises(upload.UploadRefused, match="507") as refused:
        new(cloud).put(b"data")
    assert refused.value.status == 507
