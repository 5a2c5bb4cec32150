# SPDX-License-Identifier: Apache-2.0
"""The table of all operations of the IMS API, from one module a noun."""

from ims_glance.api.ims import (
    copy,
    creation,
    export,
    image,
    job,
    member,
    os_version,
    project,
    quota,
    server_backup,
    tag,
)
from ims_glance.api.ims.operation import Operation

OPERATIONS: tuple[Operation, ...] = (
    *image.OPERATIONS,
    *creation.OPERATIONS,
    *export.OPERATIONS,
    *copy.OPERATIONS,
    *member.OPERATIONS,
    *tag.OPERATIONS,
    *quota.OPERATIONS,
    *os_version.OPERATIONS,
    *project.OPERATIONS,
    *job.OPERATIONS,
    *server_backup.OPERATIONS,
)
