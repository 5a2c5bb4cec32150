# SPDX-License-Identifier: Apache-2.0
"""How many of what a project may have."""

from openstack import resource


class Quota(resource.Resource):
    """One limit of the project (``GET /v1/cloudimages/quota``)."""

    #: image (private images), image_shared, image_member (receivers of one image)
    type: str = resource.Body("type", alternate_id=True)
    used: int = resource.Body("used", type=int)
    quota: int = resource.Body("quota", type=int)
    #: the least and the most that an operator can set
    min: int = resource.Body("min", type=int)
    max: int = resource.Body("max", type=int)

    @property
    def remaining(self) -> int:
        """How many more there can be."""
        return max(0, self.quota - self.used)
