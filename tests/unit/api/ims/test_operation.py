# SPDX-License-Identifier: Apache-2.0
"""The table as a whole: what every row of it keeps to."""

import inspect
import re

import jsonschema
import pytest
from huaweicloudsdkims.v2 import ImsClient

from ims_glance.api.ims.operations import MARKET, OPERATIONS
from ims_glance.model import audit

OURS = {
    "list_jobs",
    "cancel_job",
    # What ``ims-manage`` shows operators.
    "list_workers",
    "show_queue",
    "cancel_queued_job",
    "list_orphans",
    "read_image_frames",
    "read_sealed_image",
    "list_server_backups",
    "show_server_backup",
    "create_server_backup",
    "delete_server_backup",
    # Huawei's, and not of IMS but of IAM.
    "keystone_list_projects",
    "check_image",
    "show_image_actions",
    "find_receiver",
    # IMS has it in its audit service.
    "list_image_events",
    "show_image_report",
    # One region asks it of another.
    "receive_image",
    "begin_reception",
    "end_reception",
    "copy_replicated_image",
    "receive_replicated_image",
    # Ours: IMS copies images one by one.
    "create_replication",
    "list_replications",
    "show_replication",
    "update_replication",
    "delete_replication",
    # The marketplace, which IMS leaves to KooGallery.
    *(each.name for each in MARKET),
}
BY_NAME = {each.name: each for each in OPERATIONS}


def test_the_names_are_those_of_huawei_s_sdk():
    native = {"list_versions", "show_version"}
    sdk = {
        name
        for name, member in inspect.getmembers(ImsClient, inspect.isfunction)
        if not name.startswith(("_", "glance_", "new_", "do_", "call_")) and "_invoker" not in name
    }
    known = {name for name in sdk if hasattr(ImsClient, f"{name}_invoker")} - native
    assert set(BY_NAME) - OURS == known
    assert len(known) == 33


@pytest.mark.parametrize("each", OPERATIONS, ids=lambda each: each.name)
def test_every_row(each):
    assert re.fullmatch(r"/v(1|2|2\.1|3)/[a-z0-9_{}/-]+", each.path)
    assert each.policy == f"ims:{each.name}"
    assert each.summary
    for schema in (each.body, each.answer, *(each.query or {}).values()):
        if schema is not None:
            jsonschema.Draft202012Validator.check_schema(schema)
    assert {*filter(None, [each.audit]), *each.audit_by_action.values()} <= {*audit.ACTIONS}
    assert (each.method == "GET") <= (each.body is None)
    assert (each.method == "GET" and each.audit is not None) == (each.name == "read_sealed_image")


def test_no_two_rows_are_at_the_same_place():
    places = {(each.method, re.sub(r"\{\w+\}", "{}", each.path)) for each in OPERATIONS}
    assert len(places) == len(OPERATIONS)


def test_the_paths_are_those_of_huawei_s_sdk():
    for name in set(BY_NAME) - OURS:
        info = inspect.getsource(getattr(ImsClient, f"_{name}_http_info"))
        [path] = re.findall(r'"resource_path": "([^"]+)"', info)
        [method] = re.findall(r'"method": "([^"]+)"', info)
        assert (BY_NAME[name].method, BY_NAME[name].path) == (method, path), name


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"action": "create"}, "addTag"),
        ({"action": "delete"}, "deleteTag"),
        ({"action": ["delete"]}, "addTag"),
        (["delete"], "addTag"),
        (None, "addTag"),
    ],
)
def test_what_the_body_makes_of_an_operation(body, name):
    assert BY_NAME["batch_add_or_delete_tags"].audited_as(body) == name
