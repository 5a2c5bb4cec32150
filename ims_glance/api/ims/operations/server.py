# SPDX-License-Identifier: Apache-2.0
"""Images of servers: what a request asks for, as far as Nova and Cinder can tell at once."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.api.common.image import SubrequestRefused
from ims_glance.api.ims.operation import Answer, Call
from ims_glance.api.ims.operations import tag
from ims_glance.clouds import caller, rest
from ims_glance.clouds.compute import ComputeApi
from ims_glance.clouds.region import Region
from ims_glance.clouds.volume import VolumeApi
from ims_glance.model import capture
from ims_glance.model import job as jobs
from ims_glance.model import server as servers
from ims_glance.model.capture import DiskToCapture
from ims_glance.model.server import Disk


class DisksOfSeveralServers(exceptions.Invalid):
    """Data images of disks that are not of one server."""

    code = "IMG.0140"
    template = "The volumes are attached to several servers. Name volumes of one server."


class NotAttached(exceptions.Conflict):
    """A data image of a volume that no server has."""

    code = "IMG.0120"
    template = (
        "Volume {volume_id} is attached to no server. Attach it, or make a system disk image of it "
        "('volume_id' and 'os_version')."
    )


class DataDiskMissing(exceptions.Invalid):
    """A data image without a volume, or two of one."""

    code = "IMG.0120"
    template = "Each of 'data_images' needs the 'volume_id' of another volume."


class VolumeMissing(exceptions.NotFound):
    """The caller has no such volume."""

    code = "IMG.0120"
    template = "Volume {volume_id} does not exist in your project."


@dataclasses.dataclass(frozen=True)
class SourceServer:
    """A server that images can be made of.

    :ivar properties: of the image that its system disk was made of, as far as they are believed
    """

    server: Mapping[str, Any]
    disks: Sequence[Disk]
    volumes: Mapping[str, Mapping[str, Any]]
    properties: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.server["id"])

    def to_arguments(self) -> dict[str, Any]:
        """What a job is told about it."""
        return {
            "server_id": self.id,
            "server_name": str(self.server.get("name") or ""),
            "attributes": capture.carried(self.properties),
        }

    def disk(self, volume_id: str) -> Disk:
        """The data disk that a volume is.

        :raises NotItsDisk: if it is none
        """
        for disk in self.disks[1:]:
            if disk.volume_id == volume_id:
                return disk
        raise servers.NotItsDisk(volume_id=volume_id, server_id=self.id)

    def check(self, disks: Sequence[Disk]) -> None:
        """Check that images can be made of some of its disks.

        :raises DiskBusy, DiskShared, DiskEncrypted: if not
        """
        for disk in disks:
            if disk.volume_id:
                servers.check_volume(self.id, self.volumes[disk.volume_id])


def of_server(call: Call, tags: list[str]) -> Answer:
    """``create_image`` with ``instance_id``: its system disk, and data disks if they are named.

    :param tags: of the system disk's image, as they are stored
    """
    body = call.body
    source = read(call, body["instance_id"])
    wishes = [DiskToCapture(source.disks[0], body["name"]), *_data(call, source)]
    left_out = [disk.volume_id for disk in source.disks if disk not in [w.disk for w in wishes]]
    # Ours: IMS prepares no system of a server.
    further = {"is_config": True} if body.get("is_config") else {}
    return _accept(call, jobs.IMAGE_OF_SERVER, source, wishes, tags, left_out=left_out, **further)


def of_volumes(call: Call) -> Answer:
    """``create_image`` with ``data_images`` alone: of volumes of one server."""
    source = read(call, _server_of(call))
    return _accept(call, jobs.IMAGES_OF_VOLUMES, source, _data(call, source), [])


def whole(call: Call, tags: list[str]) -> Answer:
    """``create_whole_image`` with ``instance_id``."""
    source = read(call, call.body["instance_id"])
    servers.check_whole(source.server)
    wishes = [DiskToCapture(disk) for disk in source.disks]
    return _accept(
        call,
        jobs.WHOLE_OF_SERVER,
        source,
        wishes,
        tags,
        stands_still=not call.body.get("no_pause"),
        quiesces=capture.quiesces(source.disks, source.properties),
        with_backup=_keeps_backup(call.body),
    )


def _keeps_backup(body: Mapping[str, Any]) -> bool:
    """Whether a backup of the server is kept with its image; IMS does so if it names a vault."""
    wished = body.get("with_backup")
    return bool(body.get("vault_id")) if wished is None else bool(wished)


def _accept(
    call: Call,
    job_type: str,
    source: SourceServer,
    wishes: Sequence[DiskToCapture],
    tags: list[str],
    **more: Any,
) -> Answer:
    disks = [wish.disk for wish in wishes]
    source.check(disks)
    if job_type != jobs.WHOLE_OF_SERVER:
        servers.check_size(source.id, disks)
    return accept(call, job_type, source.to_arguments(), wishes, tags, **more)


def accept(
    call: Call,
    job_type: str,
    made_of: Mapping[str, Any],
    wishes: Sequence[DiskToCapture],
    tags: list[str],
    left_out: Sequence[str | None] = (),
    **more: Any,
) -> Answer:
    """Have a job make images of disks, as a request wishes.

    :param made_of: arguments of the job that say of which server the disks are
    :param tags: of the image that servers are made of, as they are stored
    :param left_out: ids of volumes that the server has besides
    :param more: arguments of the job
    """
    body = call.body
    arguments = {
        **made_of,
        "wishes": [wish.to_arguments() for wish in wishes],
        "tags": tags,
        "cmk_id": _key(call),
        **{name: body.get(name) for name in ("name", "description", "enterprise_project_id")},
        **{name: _mebibytes(body.get(name)) for name in ("min_ram", "max_ram")},
        **more,
    }
    entities: dict[str, Any] = {"image_name": body.get("name") or wishes[0].name}
    if left_out:
        entities["left_out_volumes"] = list(left_out)
    count, disks = (1, len(wishes)) if job_type in jobs.WHOLE else (len(wishes), 0)
    with call.service.quota.places(call.context, call.project_id, count, disks):
        job_id = call.service.jobs.accept(
            call.context, job_type, arguments, entities=entities, creates_image=True
        )
    return Answer({"job_id": job_id}, job_id=job_id)


def _key(call: Call) -> str | None:
    named = call.body.get("cmk_id")
    return call.service.keys.named(call.context, named, call.project_id) if named else None


def _mebibytes(value: Any) -> int | None:
    return None if value is None else int(value)


def _data(call: Call, source: SourceServer) -> list[DiskToCapture]:
    """The data images that a request asks for."""
    body = call.body
    limit = call.service.conf.ims_api.tags
    common = tag.stored(body, limit)
    return [
        DiskToCapture(
            source.disk(each["volume_id"]),
            each["name"],
            each.get("description") or body.get("description"),
            tuple(tag.stored(each, limit) or common),
        )
        for each in _named(call)
    ]


def _named(call: Call) -> list[Mapping[str, Any]]:
    """``data_images`` of a request.

    :raises DataDiskMissing: if one has no volume, or two have the same
    """
    found = list(call.body.get("data_images") or [])
    ids = [each.get("volume_id") for each in found]
    if None in ids or len(set(ids)) < len(ids):
        raise DataDiskMissing
    return found


def _server_of(call: Call) -> str:
    """The one server that the named volumes are attached to."""
    volumes = _volumes(call)
    found = set()
    for each in _named(call):
        volume = _volume(volumes, each["volume_id"])
        if not volume["attachments"]:
            raise NotAttached(volume_id=volume["id"])
        if len(volume["attachments"]) > 1:
            count = len(volume["attachments"])
            raise servers.DiskShared(volume_id=volume["id"], count=count)
        found.add(str(volume["attachments"][0]["server_id"]))
    if len(found) > 1:
        raise DisksOfSeveralServers
    return found.pop()


def read(call: Call, server_id: str) -> SourceServer:
    """A server of the caller, with its disks.

    :raises ServerMissing, ServerUnfit, ServerBusy, ServerLocked: if no image can be made of it
    """
    compute = ComputeApi(_region(call))
    try:
        server = compute.get(server_id)
        attachments = compute.attachments(server_id)
    except rest.Missing:
        raise servers.ServerMissing(server_id=server_id) from None
    if server["tenant_id"] != call.project_id:
        # Nova shows administrators all servers; the images would belong to their own project.
        raise servers.ServerMissing(server_id=server_id)
    servers.check_server(server)
    api = _volumes(call)
    volumes = {each["volumeId"]: _volume(api, each["volumeId"]) for each in attachments}
    if server["image"]:
        view = _image(call, server["image"]["id"])
        size = int(view.get("virtual_size") or view.get("size") or 0)
        return SourceServer(
            server, servers.find_disks(server, attachments, volumes, size), volumes, view
        )
    disks = servers.find_disks(server, attachments, volumes)
    root = volumes[str(disks[0].volume_id)]
    properties = capture.claimed(root.get("volume_image_metadata") or {})
    return SourceServer(server, disks, volumes, properties)


def _volume(api: VolumeApi, volume_id: str) -> dict[str, Any]:
    try:
        return api.get(volume_id)
    except rest.Missing:
        raise VolumeMissing(volume_id=volume_id) from None


def _volumes(call: Call) -> VolumeApi:
    return VolumeApi(_region(call))


def _region(call: Call) -> Region:
    return caller.region_of(call.service.conf, call.context)


def _image(call: Call, image_id: str) -> Mapping[str, Any]:
    """The image that a server was made of; empty if it is gone."""
    try:
        found: Mapping[str, Any] = call.service.images.call(
            call.context, "GET", f"/v2/images/{image_id}"
        )
    except SubrequestRefused:
        return {}
    return found
