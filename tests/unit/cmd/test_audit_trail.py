# SPDX-License-Identifier: Apache-2.0
"""Events of the audit trail as lines; where they come from, is tested in tests/cloud/test_demo.py."""

import threading
import time

from ims_glance.cmd import audit_trail

EVENT = {
    "eventTime": "2026-11-24T01:02:03.000000+0000",
    "name": "copyImage",
    "action": "create/copy",
    "outcome": "success",
    "initiator": {"id": "u", "name": "demo"},
    "attachments": [
        {"content": {"image_ids": ["i", "j"], "job_id": "b", "code": None, "request_id": "req-1"}}
    ],
}


def test_a_line():
    assert list(audit_trail.lines([EVENT])) == [
        "2026-11-24T01:02:03.000000+0000 demo copyImage success images=i,j job=b request=req-1"
    ]


def test_a_line_of_little():
    event = {**EVENT, "name": None, "initiator": {"id": "u"}, "attachments": [{"content": {}}]}
    assert list(audit_trail.lines([event])) == [
        "2026-11-24T01:02:03.000000+0000 u create/copy success"
    ]


def test_the_last_ones_are_kept_and_silence_ends_it():
    reader = audit_trail._Reader(2)

    def send():
        for number in range(4):
            time.sleep(0.1)
            reader.info(None, "", "", {"number": number}, None)

    sender = threading.Thread(target=send)
    sender.start()
    assert reader.wait(0.5) == [{"number": 2}, {"number": 3}]
    sender.join()
