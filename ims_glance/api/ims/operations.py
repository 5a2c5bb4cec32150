# SPDX-License-Identifier: Apache-2.0
"""The table of all operations of the IMS API, from one module a noun."""

from ims_glance.api.ims import (
    os_version,
)
from ims_glance.api.ims.operation import Operation

OPERATIONS: tuple[Operation, ...] = (*os_version.OPERATIONS,)
