# SPDX-License-Identifier: Apache-2.0
"""What an image can be exported as: the table that the command line and the console choose from."""

from ims_glance.client.resources.image import Image

OVA = "ova"
"""One archive of all disks of a whole machine."""
SEALED = "sealed"
"""As it lies in its store: of what is encrypted alone."""
QUICK = "zvhd2"
"""Nothing but a quick export writes it, and of nothing that is encrypted."""
DISK_FORMATS = ("qcow2", "vhd", "vmdk", "zvhd", "raw")
"""Of one disk, or of each disk of a whole machine."""


def formats(image: Image) -> tuple[str, ...]:
    """Those that there are for an image, the best known first."""
    archive = (OVA,) if image.kind == "whole" else ()
    return (*archive, *DISK_FORMATS, SEALED if image.is_encrypted else QUICK)


def asked(form: str) -> str | None:
    """A format as :meth:`~ims_glance.client.proxy.Proxy.export_image` takes it."""
    return None if form == QUICK else form
