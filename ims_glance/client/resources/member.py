# SPDX-License-Identifier: Apache-2.0
"""Projects that an image is shared with."""

from openstack import resource

from ims_glance.client.resources.paging import Paged


class Member(Paged):
    """A receiver of an image (``GET /v1/{project_id}/cloudimages/{image_id}/members``)."""

    base_path = "/v1/%(project_id)s/cloudimages/%(image_id)s/members"
    resources_key = "members"
    allow_list = True
    allow_fetch = True

    #: the caller's project
    project_id: str = resource.URI("project_id")
    image_id: str = resource.URI("image_id")
    #: the receiver's project; also as ``id``
    member_id: str = resource.Body("member_id", alternate_id=True)
    #: pending, accepted or rejected
    status: str = resource.Body("status")
    type: str = resource.Body("member_type")
    created_at: str = resource.Body("created_at")
    updated_at: str = resource.Body("updated_at")
