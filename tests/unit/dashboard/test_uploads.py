# SPDX-License-Identifier: Apache-2.0
"""What of uploads is not seen from the pages (``wizard/test_upload.py``)."""

from unittest import mock

from django.test import override_settings

from ims_glance.client.resources.job import Job
from ims_glance.dashboard import uploads


def test_so_large_a_file_may_be():
    assert uploads.most_bytes() == 50 << 30
    with override_settings(IMS_UPLOAD_GIB=2):
        assert uploads.most_bytes() == 2 << 30


def test_a_file_is_called_as_its_user_calls_it():
    assert uploads.title("console-01ab23cd-debian.raw") == "debian.raw"
    assert uploads.title("console-of-mine.raw") == "console-of-mine.raw"


def test_only_jobs_that_read_a_file_leave_one():
    with mock.patch("ims_glance.dashboard.uploads.sweep") as sweep:
        copy, reader = "imsCopyImageInRegionJob", "imsImportDataImageJob"
        uploads.ended(None, Job.existing(job_type=copy, status="SUCCESS"))
        uploads.ended(None, Job.existing(job_type=reader, status="RUNNING"))
        assert not sweep.called
        both = [Job.existing(job_type=each, status="FAIL") for each in (copy, reader)]
        uploads.ended(None, *both)
        assert sweep.call_count == 1
