# SPDX-License-Identifier: Apache-2.0
"""The real services answer jobs' questions as the small clouds of the unit tests do.

What is decided there for every request of every type of job is so true here.
"""

import pytest

from tests.cloud import buckets, captures, jobs
from tests.unit.clouds import questions

pytestmark = pytest.mark.pocket


def _server_is(tenant, server, status):
    jobs.eventually(lambda: tenant.compute.get_server(server.id).status, status)


def test_the_real_services_give_the_same_answers(tenant, local):
    before = captures.left(tenant)
    storage = tenant.block_storage
    [attached] = tenant.compute.volume_attachments(local)
    names = {"server": local.id, "volume": attached.volume_id}

    def ask(asked):
        for question in asked:
            question.ask(tenant.session, names, tenant.config.region_name)

    ask(questions.IMAGE)
    ask(questions.SERVER)
    _server_is(tenant, local, "PAUSED")
    ask(questions.PAUSED)
    _server_is(tenant, local, "ACTIVE")
    ask(questions.VOLUME)
    jobs.eventually(lambda: storage.get_snapshot(names["snapshot"]).status, "available")
    ask(questions.SNAPSHOT)
    jobs.eventually(lambda: storage.get_volume(names["copy"]).status, "available")
    ask(questions.COPY)
    storage.wait_for_delete(storage.get_volume(names["copy"]), wait=240)
    storage.delete_snapshot(names["snapshot"])
    jobs.eventually(lambda: captures.left(tenant), before)


def test_the_real_object_storage_gives_the_same_answers(tenant):
    with buckets.bucket(tenant, "bucket") as bucket:
        etag = bucket.put("question", b"data")
        for question in questions.OBJECT:
            question.ask(tenant.session, {"etag": f'"{etag}"'}, tenant.config.region_name)
