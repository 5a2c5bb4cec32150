# SPDX-License-Identifier: Apache-2.0
"""The project of a caller, as Huawei's SDK looks for it that was given a region and no project.

It is an operation of Huawei's IAM ("Querying Project Information Based on the Specified Criteria"),
where each region has a project named like it. ``HUAWEICLOUD_SDK_IAM_ENDPOINT`` names this service.
"""

from ims_glance.api.ims import schemas
from ims_glance.api.ims.operation import Answer, Call, Operation

_PROJECT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "domain_id": {"type": ["string", "null"]},
        "enabled": {"type": "boolean"},
        "is_domain": {"type": "boolean"},
    },
    "required": ["id", "name", "enabled"],
}


def keystone_list_projects(call: Call) -> Answer:
    """``GET /v3/projects?name={region}``: the project of the token, or of the access key.

    A project of Keystone is the same in all regions, so whatever region is asked for, this is the
    caller's one (``process_auth_params`` of ``huaweicloudsdkcore/auth/credentials.py`` wants exactly
    one).
    """
    context = call.context
    project = {
        "id": call.project_id,
        "name": call.query.get("name") or context.project_name or call.project_id,
        "domain_id": context.project_domain_id,
        "enabled": True,
        "is_domain": False,
    }
    return Answer({"projects": [project]})


OPERATIONS = (
    Operation(
        "keystone_list_projects",
        "GET",
        "/v3/projects",
        keystone_list_projects,
        "Show the caller's project by the name of a region (as Huawei's IAM does)",
        query=schemas.parameters("name"),
        answer={
            "type": "object",
            "properties": {"projects": {"type": "array", "items": _PROJECT}},
            "required": ["projects"],
        },
    ),
)
