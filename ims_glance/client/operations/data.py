# SPDX-License-Identifier: Apache-2.0
"""The data of images: read as it is stored, and compared with what the service knows of it."""

import hashlib
from collections.abc import Iterator

import requests
from openstack import exceptions

from ims_glance.client.operations.base import Operations, segment
from ims_glance.client.resources.image import Image

_CHUNK = 1 << 20
# Seconds to connect, and between two bytes.
_TIMEOUT = (10, 300)
_CHECKSUM = "md5"


class DataBroken(exceptions.SDKException):
    """What arrived is not the image's data."""


class DataOperations(Operations):
    """Data of images."""

    def image_data(self, image: Image) -> Iterator[bytes]:
        """The data of an image, in pieces of 1 MiB at most; what is encrypted arrives in the clear.

        Only when all was taken is it known to be right: what was read before an error is worth nothing.

        :param image: as the Image API shows it
        :raises errors.Refused: if it may not be read
        :raises DataBroken: if it broke off, or has another digest than the service says
        """
        algorithm, expected = digest_of(image)
        found = hashlib.new(algorithm, usedforsecurity=False) if algorithm else None
        done = 0
        response = self.get(f"/v2/images/{segment(image.id)}/file", stream=True, timeout=_TIMEOUT)
        try:
            for piece in response.iter_content(_CHUNK):
                if found:
                    found.update(piece)
                done += len(piece)
                yield piece
        except requests.RequestException as error:
            raise DataBroken(
                f"The data of image {image.id} broke off after {done} of {image.bytes} bytes: "
                f"{error}. Try again."
            ) from error
        if done != image.bytes:
            raise DataBroken(
                f"Of image {image.id} arrived {done} bytes, but it has {image.bytes}. Try again."
            )
        if found and found.hexdigest() != expected:
            raise DataBroken(
                f"The data of image {image.id} is damaged: its {algorithm} is {found.hexdigest()}, "
                f"but should be {expected}. Try again; if it is the same then, tell the operator."
            )


def digest_of(image: Image) -> tuple[str, str]:
    """By what an image's data is compared, and what it should be; empty if the service does not know.

    :returns: name of an algorithm that Python has, digest in hexadecimal
    """
    known = {
        str(image.os_hash_algo or ""): str(image.os_hash_value or ""),
        _CHECKSUM: str(image.checksum or ""),
    }
    for algorithm, digest in known.items():
        if digest and algorithm in hashlib.algorithms_available:
            return algorithm, digest
    return "", ""
