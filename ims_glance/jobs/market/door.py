# SPDX-License-Identifier: Apache-2.0
"""The images of what is sold, in one region, as the service itself has them."""

from ims_glance.clouds import rest
from ims_glance.clouds.image_api import ImageApi
from ims_glance.model.image import attributes, whole_image

_THERE = 409


class ImageDoor:
    """Memberships by the Image API.

    :param images: as the service itself
    """

    def __init__(self, images: ImageApi) -> None:
        self.images = images

    def add(self, image_id: str, project_id: str) -> None:
        """Let a project have an image; the guard accepts it for the project."""
        try:
            self.images.add_member(image_id, project_id)
        except rest.Refused as refused:
            if refused.status != _THERE:
                raise

    def remove(self, image_id: str, project_id: str) -> None:
        """Take it away."""
        self.images.delete_member(image_id, project_id)

    def delete(self, image_id: str) -> None:
        """Delete an image, and before it its disks, so that one that is left can be found again."""
        view = self.images.find(image_id)
        if view is None:
            return
        for component in whole_image.components(view):
            disk = self.images.find(component.image_id)
            if disk is not None and disk.get(attributes.COMPONENT_OF) == image_id:
                if disk.get("protected"):
                    self.images.update(component.image_id, {"protected": False})
                self.images.delete(component.image_id)
        self.images.delete(image_id)
