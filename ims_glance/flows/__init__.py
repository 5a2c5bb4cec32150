# SPDX-License-Identifier: Apache-2.0
"""What jobs do: one module a feature, or a folder, each with a TaskFlow flow for its job types."""

from collections.abc import Mapping

from ims_glance.flows import backup, market_machine, market_scan, member
from ims_glance.flows.capture import server, volume
from ims_glance.flows.copy import in_region
from ims_glance.flows.files import archive, check, export, queued
from ims_glance.flows.files import image as of_file
from ims_glance.flows.replication import follow
from ims_glance.flows.replication import image as received
from ims_glance.jobs.engine import FlowFactory
from ims_glance.model import job

JOB_TYPES: Mapping[str, FlowFactory] = {
    job.COPY_IN_REGION: in_region.flow,
    job.COPY_CROSS_REGION: follow.flow,
    job.RECEIVE_IMAGE: received.flow,
    job.ADD_MEMBERS: member.add,
    job.DELETE_MEMBERS: member.delete,
    job.UPDATE_MEMBERS: member.update,
    job.VOLUME_CREATE_IMAGE: volume.flow,
    job.IMAGE_OF_SERVER: server.image,
    job.IMAGES_OF_VOLUMES: server.image,
    job.WHOLE_OF_SERVER: server.whole_machine,
    job.WHOLE_OF_BACKUP: backup.whole_machine,
    job.SERVER_BACKUP: backup.flow,
    job.IMPORT_IMAGE: archive.flow,
    job.IMPORT_DATA_IMAGE: of_file.flow,
    job.REGISTER_IMAGE: queued.flow,
    job.EXPORT_IMAGE: export.flow,
    job.CHECK_IMAGE: check.flow,
    job.PUBLISH_IMAGE: market_machine.flow,
    job.SCAN_IMAGE: market_scan.flow,
}
"""Job type -> what makes the flow of such a job."""
