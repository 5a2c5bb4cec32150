# SPDX-License-Identifier: Apache-2.0
import pytest
from django.utils import translation

from ims_glance.dashboard.jobs import tasks
from tests.unit.client.cloud import IMAGE_ID


@pytest.mark.parametrize(
    ("named", "english", "chinese"),
    [
        ("write file", "Write the file", "写入文件"),
        ("undo write file", "Undo: Write the file", "撤销\uff1a写入文件"),
        ("copy disk 0", "Copy a disk (1)", "复制磁盘 (1)"),
        (f"share image {IMAGE_ID}", f"Share an image ({IMAGE_ID})", f"共享镜像 ({IMAGE_ID})"),
        # Of a service that is newer than the console.
        ("sort\u202e disk 0", "sort\ufffd disk 0", "sort\ufffd disk 0"),
        ("", "", ""),
    ],
)
def test_what_a_job_does(named, english, chinese):
    with translation.override("en"):
        assert tasks.task(named) == english
    with translation.override("zh-hans"):
        assert tasks.task(named) == chinese
