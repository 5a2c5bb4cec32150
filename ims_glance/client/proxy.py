# SPDX-License-Identifier: Apache-2.0
"""``conn.ims``: the operations of the IMS API."""

from ims_glance.client.operations.backup import BackupOperations
from ims_glance.client.operations.copy import CopyOperations
from ims_glance.client.operations.data import DataOperations
from ims_glance.client.operations.job import JobOperations
from ims_glance.client.operations.market import MarketOperations
from ims_glance.client.operations.member import MemberOperations
from ims_glance.client.operations.os_version import OSVersionOperations
from ims_glance.client.operations.quota import QuotaOperations
from ims_glance.client.operations.replication import ReplicationOperations
from ims_glance.client.operations.tag import TagOperations


class Proxy(
    CopyOperations,
    DataOperations,
    ReplicationOperations,
    BackupOperations,
    MarketOperations,
    MemberOperations,
    TagOperations,
    QuotaOperations,
    OSVersionOperations,
    JobOperations,
):
    """The service.

    An image, a job or a tag can be given as the resource or as its id (a tag: ``KEY=VALUE``).
    What the service refuses is an :class:`ims_glance.client.errors.ServiceRefused`, an
    ``openstack.exceptions.HttpException`` with the IMS code.
    """

    skip_discovery = True
