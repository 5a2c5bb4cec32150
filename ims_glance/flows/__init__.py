# SPDX-License-Identifier: Apache-2.0
"""What jobs do: one module a feature, each with a TaskFlow flow for its job types."""

from collections.abc import Callable, Mapping

from taskflow.flow import Flow

from ims_glance.flows import capture, copy_in_region, members, server_backup, volume_image
from ims_glance.flows.context import JobContext
from ims_glance.model import job

FlowFactory = Callable[[JobContext], Flow]

JOB_TYPES: Mapping[str, FlowFactory] = {
    job.COPY_IN_REGION: copy_in_region.flow,
    job.ADD_MEMBERS: members.add,
    job.DELETE_MEMBERS: members.delete,
    job.UPDATE_MEMBERS: members.update,
    job.VOLUME_CREATE_IMAGE: volume_image.flow,
    job.IMAGE_OF_SERVER: capture.image,
    job.IMAGES_OF_VOLUMES: capture.image,
    job.WHOLE_OF_SERVER: capture.whole_machine,
    job.WHOLE_OF_BACKUP: server_backup.whole_machine,
    job.SERVER_BACKUP: server_backup.flow,
}
"""Job type -> what makes the flow of such a job. The flow must be the same for the same job each
time it is made, whatever happened meanwhile: it is made again when a worker goes on."""
