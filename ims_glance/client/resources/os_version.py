# SPDX-License-Identifier: Apache-2.0
"""Operating systems that the service knows."""

from openstack import resource


class OSVersion(resource.Resource):
    """An operating system that an image can have (``GET /v1/cloudimages/os_version``)."""

    platform: str = resource.Body("platform")
    #: what ``os_version`` of an image is set to
    os_version: str = resource.Body("os_version", alternate_id=True)
    #: Linux, Windows or Other
    os_type: str = resource.Body("os_type")
    #: 32 or 64
    os_bit: int = resource.Body("os_bit", type=int)
