# SPDX-License-Identifier: Apache-2.0
"""Names of files in buckets: what can be sent, recorded and told, and means one file only."""

import pytest

from ims_glance.model import bucket
from ims_glance.model.bucket import BucketFile


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("bucket:disk.raw", ("bucket", "disk.raw")),
        ("b:o", ("b", "o")),
        ("b:a:b:c", ("b", "a:b:c")),
        ("b:/a//b/", ("b", "/a//b/")),
        ("Bü_cket:ü/100%/a?b#c", ("Bü_cket", "ü/100%/a?b#c")),
        ("b:..x/.y/...", ("b", "..x/.y/...")),
        ("b:%2e%2e/x", ("b", "%2e%2e/x")),
        ("b:" + "x" * 1024, ("b", "x" * 1024)),
    ],
)
def test_files(text, file):
    parsed = BucketFile.parse(text)
    assert (parsed.bucket, parsed.name) == file
    assert str(parsed) == text


@pytest.mark.parametrize(
    ("text", "error", "code"),
    [
        ("", bucket.FileNameMissing, "IMG.0073"),
        ("bucket", bucket.FileNameMissing, "IMG.0073"),
        ("bucket:", bucket.FileNameMissing, "IMG.0073"),
        (":object", bucket.FileNameMissing, "IMG.0073"),
        ("b:..", bucket.FileNameMalformed, "IMG.0075"),
        ("b:../other/x", bucket.FileNameMalformed, "IMG.0075"),
        ("b:x/./y", bucket.FileNameMalformed, "IMG.0075"),
        ("..:x", bucket.FileNameMalformed, "IMG.0075"),
        ("b:a b", bucket.FileNameMalformed, "IMG.0075"),
        ("b:a\u2003b", bucket.FileNameMalformed, "IMG.0075"),
        ("b:a\x00b", bucket.FileNameMalformed, "IMG.0075"),
        ("b:a\x7fb", bucket.FileNameMalformed, "IMG.0075"),
        ("b:a\ud800b", bucket.FileNameMalformed, "IMG.0075"),
        ("b:\U0001f600", bucket.FileNameMalformed, "IMG.0075"),
        ("b:" + "x" * 1025, bucket.FileNameTooLong, "IMG.0074"),
        ("b:" + "ü" * 513, bucket.FileNameTooLong, "IMG.0074"),
    ],
)
def test_refusals(text, error, code):
    with pytest.raises(error) as refused:
        BucketFile.parse(text)
    assert refused.value.code == code
