# SPDX-License-Identifier: Apache-2.0
"""What there is in as much of Glance, Nova and Cinder as jobs ask for; :mod:`cloud_server` serves it over HTTP."""

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from ims_glance.transfer import cuts
from tests.unit.clouds.machines_server import Machines
from tests.unit.clouds.objects_server import SmallObjects

OWNER = "demo"


class SmallCloud(SmallObjects):
    """What there is, and what is asked for it.

    :ivar images: by id, as Glance shows them
    :ivar data: of active images, by id
    :ivar sealed: files that encrypted images are, by image id
    :ivar damaged: bytes of these that come before one that is damaged, by image id
    :ivar members: project id -> status, by image id
    :ivar volumes: by id, as Cinder shows them
    :ivar ranges: of downloads, that were asked for
    :ivar cuts: names of those that it knows besides the fixed one, as a region of another region
    :ivar link: bytes of each stream of frames that was sent to another region
    :ivar spoil: what becomes of a stream of frames that goes to another region
    :ivar is_busy: whether it is too busy to send one; asked for each
    :ivar machines: servers and snapshots
    :ivar copies: jobs of another region that receive copies of images, by id
    :ivar backups: of volumes, by id, as Cinder shows them
    :ivar backup_status: that a new one has at once
    :ivar restored_status: that a volume has once a backup was restored to it
    :ivar broken_uploads: of volumes, so many next ones break off: the image is no good, and stays
    :ivar messages: that Cinder tells
    :ivar volume_types: names of those that Cinder has
    :ivar usage: of Keystone's limits, as Glance tells it
    :ivar arrives: what becomes of an upload on its way
    :ivar tells: whether Glance says what arrived
    :ivar ignored: what Glance does not filter by
    :ivar failures: pattern of ``METHOD path`` -> statuses of the next answers to such requests
    :ivar reason: that those give
    :ivar before: called with ``METHOD path`` before a request is served
    :ivar requests: ``METHOD path`` of every request so far
    """

    def __init__(self) -> None:
        super().__init__()
        self.images: dict[str, dict[str, Any]] = {}
        self.used: set[str] = set()
        self.data: dict[str, bytes] = {}
        self.sealed: dict[str, bytes] = {}
        self.damaged: dict[str, int] = {}
        self.members: dict[str, dict[str, str]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.broken_uploads = 0
        self.messages: list[dict[str, str]] = []
        self.volume_types = ["fast"]
        self.usage: dict[str, dict[str, int]] = {}
        self.ranges: list[str] = []
        self.cuts: set[str] = set(cuts.CUTS)
        self.link: list[int] = []
        self.spoil: Callable[[bytes], bytes] = bytes
        self.arrives: Callable[[bytes], bytes] = bytes
        self.tells = True
        self.is_busy: Callable[[], bool] = lambda: False
        self.machines = Machines()
        self.copies: dict[str, dict[str, Any]] = {}
        self.backups: dict[str, dict[str, Any]] = {}
        self.backup_status = self.restored_status = "available"
        self.ignored: set[str] = set()
        self.failures: dict[str, list[int]] = {}
        self.reason = "IMG.0099: as the test wants it<br />"
        self.before: Callable[[str], None] = lambda _request: None
        self.requests: list[str] = []

    def make(self, data: bytes | None = None, **body: Any) -> str:
        """An image, with data if given; its id."""
        image_id = str(body.pop("id", None) or uuid.uuid4())
        self.used.add(image_id)
        self.images[image_id] = {
            "status": "queued",
            "owner": OWNER,
            "visibility": "private",
            "tags": [],
            "size": None,
            **body,
            "id": image_id,
        }
        if data is not None:
            self.fill(image_id, data)
        return image_id

    def fill(self, image_id: str, data: bytes) -> None:
        """Give an image its data."""
        self.data[image_id] = data
        self.images[image_id] |= {
            "status": "active",
            "size": len(data),
            "checksum": hashlib.md5(data).hexdigest(),
            "os_hash_algo": "sha512",
            "os_hash_value": hashlib.sha512(data).hexdigest(),
        }

    def copy(self, looks: int = 2) -> str:
        """A job of another region; its id.

        :param looks: how often it is looked at before it has ended
        """
        job_id = uuid.uuid4().hex
        self.copies[job_id] = {"job_id": job_id, "status": "RUNNING", "looks": looks, "seen": 0}
        return job_id

    def end_copy(self, job_id: str) -> None:
        """Have a job of another region end, as it was to."""
        copy = self.copies[job_id]
        if copy["status"] != "RUNNING":
            return
        if copy.get("is_cancelled"):
            copy |= {"status": "FAIL", "error_code": "IMG.0018", "fail_reason": "It was cancelled."}
            return
        copy |= {"status": "SUCCESS", "image_id": self.make(b"copy" * 10, name="copy")}

    def unfill(self, image_id: str) -> None:
        """Make an image one whose data is on its way."""
        self.data.pop(image_id)
        view = self.images[image_id]
        for name in ("checksum", "os_hash_algo", "os_hash_value"):
            del view[name]
        view.update({"status": "saving", "size": None})

    def breaks_off(self) -> bool:
        """Whether the next upload of a volume does."""
        if not self.broken_uploads:
            return False
        self.broken_uploads -= 1
        return True

    def volume(self, **values: Any) -> str:
        """A volume of 1 GiB; its id."""
        volume_id = str(uuid.uuid4())
        self.volumes[volume_id] = {"id": volume_id, "size": 1, "status": "available", **values}
        return volume_id
