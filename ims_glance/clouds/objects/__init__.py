# SPDX-License-Identifier: Apache-2.0
"""Where files are that become images, or are made of them: one module a kind of object storage, loaded by its entry point."""

import dataclasses
from typing import Any

from oslo_config import cfg
from stevedore import driver as stevedore_driver
from stevedore import exception as stevedore_exceptions

from ims_glance import exceptions
from ims_glance.clouds import ec2
from ims_glance.clouds.objects.base import NoObjectStorage, ObjectStore
from ims_glance.clouds.region import Region
from ims_glance.conf import ims_service

NAMESPACE = "ims_glance.object_stores"
_S3 = "s3"
_REGION = "us-east-1"


class ObjectDriverMissing(exceptions.ImsError):
    """The driver is not installed."""

    template = (
        "There is no driver '{driver}' for object storage. Is [ims_files] object_store right, and is the "
        "package installed that it comes with (boto3 for s3)?"
    )


class AccessKeyDenied(exceptions.Forbidden):
    """A bucket cannot be read with an access key (IMS: "AKSK")."""

    code = "IMG.0037"
    template = (
        "The access key cannot be used: {reason}. Name one of your own in this project ('openstack ec2 "
        "credentials list')."
    )


@dataclasses.dataclass(frozen=True)
class FileReader:
    """Who reads.

    :ivar access_key: of an EC2 credential of theirs, for S3; ``None`` for Swift, by their token
    """

    user_id: str
    project_id: str
    access_key: str | None = None


def load(conf: cfg.ConfigOpts, region: Region, reader: FileReader) -> ObjectStore:
    """The object storage as a caller, or a job of theirs, sees it.

    :param region: as they see it
    :raises ObjectDriverMissing: if its driver is not installed
    :raises NoObjectStorage: if S3 is asked for, and there is none
    :raises AccessKeyDenied: if the access key is none of theirs
    :raises Unavailable: if Keystone is away
    """
    if reader.access_key is None:
        made: ObjectStore = _driver(conf.ims_files.object_store)(region)
    else:
        made = _driver(_S3)(*_s3(conf, region, reader))
    return made


def _s3(
    conf: cfg.ConfigOpts, region: Region, reader: FileReader
) -> tuple[str, str, ec2.Credential, bool | str]:
    """What requests to S3 are sent with, see :class:`ims_glance.clouds.objects.s3.S3Objects`."""
    options = conf.ims_files
    endpoint = options.s3_endpoint or region.service(_S3, "S3").endpoint()
    if not endpoint:
        raise NoObjectStorage(
            reason="[ims_files] s3_endpoint is not set, nor is s3 in the catalogue"
        )
    service = conf[ims_service.GROUP]
    return (
        endpoint,
        options.s3_region or region.name or _REGION,
        _credential(conf, reader),
        False if service.insecure else service.cafile or True,
    )


def _driver(name: str) -> Any:
    try:
        return stevedore_driver.DriverManager[Any](NAMESPACE, name, invoke_on_load=False).driver
    except stevedore_exceptions.NoMatches:
        raise ObjectDriverMissing(driver=name) from None


def _credential(conf: cfg.ConfigOpts, reader: FileReader) -> ec2.Credential:
    """The credential of an access key, if it is the reader's own in their project.

    With another's they would read what that one may read, and nobody asked that one.
    """
    try:
        found = ec2.Ec2Credentials(conf).find(str(reader.access_key))
    except ec2.AccessDenied as denied:
        raise AccessKeyDenied(reason=denied.details["reason"]) from None
    if (found.user_id, found.project_id) != (reader.user_id, reader.project_id):
        raise AccessKeyDenied(reason="it is not yours in this project")
    return found
