# SPDX-License-Identifier: Apache-2.0
"""The table of all operations of the IMS API, from one module a noun."""

from ims_glance.api.ims.operation import Operation
from ims_glance.api.ims.operations import (
    backup,
    copy,
    creation,
    export,
    image,
    image_actions,
    image_frames,
    image_history,
    image_report,
    job,
    market,
    market_review,
    market_seller,
    member,
    orphan,
    os_version,
    project,
    quota,
    reception,
    replication,
    sealed_image,
    standing_copy,
    tag,
    worker,
)

MARKET: tuple[Operation, ...] = (
    *market.OPERATIONS,
    *market_seller.OPERATIONS,
    *market_review.OPERATIONS,
)
"""Those that are served if there is a marketplace."""

OPERATIONS: tuple[Operation, ...] = (
    *image.OPERATIONS,
    *image_actions.OPERATIONS,
    *image_history.OPERATIONS,
    *creation.OPERATIONS,
    *export.OPERATIONS,
    *image_report.OPERATIONS,
    *copy.OPERATIONS,
    *image_frames.OPERATIONS,
    *sealed_image.OPERATIONS,
    *replication.OPERATIONS,
    *standing_copy.OPERATIONS,
    *reception.OPERATIONS,
    *member.OPERATIONS,
    *tag.OPERATIONS,
    *quota.OPERATIONS,
    *os_version.OPERATIONS,
    *project.OPERATIONS,
    *job.OPERATIONS,
    *worker.OPERATIONS,
    *orphan.OPERATIONS,
    *backup.OPERATIONS,
    *MARKET,
)
