# SPDX-License-Identifier: Apache-2.0
"""The life of an encrypted image: made, looked for, booted, read, refused, re-keyed, deleted."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple, Self

from pocket_cloud import guest, rest
from pocket_cloud.demo import ciphertext, claim
from pocket_cloud.demo.stage import Stage, Unexpected, file_of

_ALPINE_COMMAND_LINE = "root=/dev/vda rw rootflags=rw rootfstype=ext4 console=ttyS0"
# Not in the first segment: the answer has begun when this one is read.
_DAMAGED_BYTE = 30_000_000


class Stored(NamedTuple):
    """Where an image lies, of whose kind there may be many beside it.

    :ivar store: of Glance
    :ivar key: id of the key that opens it
    """

    store: str
    key: str
    body: Path
    header: Path

    @classmethod
    def read(cls, shown: str) -> Self:
        """What ``ims-manage show --json`` says.

        :raises Unexpected: if that is not one encrypted copy with one header
        """
        stores = json.loads(shown)["stores"]
        if len(stores) != 1 or not stores[0]["encrypted"] or len(stores[0]["headers"]) != 1:
            raise Unexpected(f"there should be one encrypted copy of it with one header: {shown}")
        (copy,) = stores
        (header,) = copy["headers"]
        return cls(
            copy["store"],
            ", ".join(header["key_ids"]),
            file_of(copy["body"]["at"]),
            file_of(header["at"]),
        )

    @property
    def files(self) -> list[Path]:
        """All there is of it now: the header has another name after a re-key."""
        return sorted(self.body.parent.glob(f"{self.body.name}*"))


def play(stage: Stage) -> None:
    """Play all of it."""
    disk = guest.build(stage.cloud)
    with stage.step("Tenant demo makes an image under the project's own key"):
        image = _create(stage, disk)
    with stage.step("The store holds ciphertext, and no byte run of the disk"):
        stored = _look_at(stage, image)
        look_for_plaintext(stage, disk, stored.files)
    with stage.step("An unmodified Nova boots a server from it"):
        boot_guest(stage, image)
    with stage.step("Downloaded, it is the same"):
        _download(stage, image, disk)
    with stage.step("A range of it, too"):
        _read_range(stage, disk, image)
    with stage.step("Tenant other gets nothing"):
        _refuse_other(stage, image)
    with stage.step("The operator gives it to another key of the tenant; its data stays as it is"):
        _rekey(stage, image, stored)
    with stage.step("It boots under the new key"):
        boot_guest(stage, image)
    with stage.step("One changed byte is found"):
        _damage(stage, image, stored)
    with stage.step("Deleted, nothing of it is left"):
        stage.run("openstack", "image", "delete", image)
        stage.check(not stored.files, "its header and its body are gone from the store")
        show = ("ims-manage", "show", image)
        stage.refuse(*show, user="operator", because=f"Image {image} does not exist")
    with stage.step("The same with a real distribution: Alpine Linux, qcow2"):
        _alpine(stage)


def _create(stage: Stage, disk: Path) -> str:
    return stage.run(
        *("openstack", "image", "create", "--property", "__system__cmkid=ims/default"),
        *("--disk-format", "raw", "--container-format", "bare", "--file", str(disk)),
        *("-f", "value", "-c", "id", f"{stage.name}-guest"),
    )


def _look_at(stage: Stage, image: str) -> Stored:
    show = ("ims-manage", "show", image, "--json")
    stored = Stored.read(stage.run(*show, user="operator", shown=False))
    for file in stored.files:
        stage.say(f"     {file.stat().st_size:>10}  {file.name}")
    shown = stage.get("glance_one", f"/v2/images/{image}")
    stage.check(
        shown["__system__cmkid"] == stored.key,
        f"it is in the encrypting store ({stored.store}), under key {stored.key}",
    )
    return stored


def look_for_plaintext(stage: Stage, disk: Path, files: list[Path]) -> None:
    """Check that nothing of *disk* is in *files*."""
    stored = b"".join(file.read_bytes() for file in files)
    stage.check(len(stored) > disk.stat().st_size, "the files are as long as the disk, and more")
    wanted = ciphertext.runs(disk.read_bytes())
    met = ciphertext.common(wanted, stored)
    told = f"none of {len(wanted)} runs of {ciphertext.RUN} bytes from all over the disk is in them"
    stage.check(not met, told)


def _refuse_other(stage: Stage, image: str) -> None:
    save = ("openstack", "image", "save", "--file", str(stage.files / "stolen"), image)
    stage.refuse(*save, user="other", because=f"No Image found for {image}")
    url = stage.cloud.url("glance_one")
    unseen = f"No image found with ID {image}"
    stage.refuse_request(f"{url}/v2/images/{image}/file", status=404, because=unseen, user="other")
    body = ("-H", "Content-Type: application/json", "-d", json.dumps({"name": "stolen"}))
    stage.refuse_request(
        f"{url}/v1/cloudimages/{image}/copy", *body, status=404, because="IMG.0027", user="other"
    )


def _boot(stage: Stage, image: str, flavor: str, last: str, *parts: str, user: str = "demo") -> str:
    """Boot a server, wait until *last* is on its console, delete it again; its console.

    :param parts: ids of the images of its kernel and initial ramdisk, if it has any
    """
    name = f"{stage.name}-server"
    stage.claim.note_booted((image, *parts))
    # Nova must ask Glance again.
    claim.forget_kept(stage.cloud, [image])
    stage.run(
        *("openstack", "--os-compute-api-version", "2.37", "server", "create", "--wait"),
        *("--image", image, "--flavor", flavor, "--no-network"),
        *("-f", "value", "-c", "status", name),
        user=user,
    )

    def finished() -> str:
        log = stage.console(name, user)
        return log if last in log else ""

    stage.wait_for(f"'{last}' on its console", finished)
    log = stage.run("openstack", "console", "log", "show", name, user=user, shown=False)
    for line in log.splitlines():
        if line.startswith(("IMS-GUEST", last)):
            stage.say(f"     {line}")
    stage.run("openstack", "server", "delete", "--wait", name, user=user)
    return log


def boot_guest(stage: Stage, image: str, user: str = "demo") -> None:
    """Boot a server of the guest from an image, and look at its console."""
    log = _boot(stage, image, "m1.nano", guest.LAST_LINE, user=user)
    stage.check(guest.MARKER in log, "the guest came up and spoke on its console")


def _download(stage: Stage, image: str, disk: Path) -> None:
    target = stage.files / "downloaded"
    stage.run("openstack", "image", "save", "--file", str(target), image)
    sent, received = (_sha256(path) for path in (disk, target))
    stage.check(sent == received, f"SHA-256 is {received} both times")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_range(stage: Stage, disk: Path, image: str) -> None:
    # Across the border of two encrypted segments.
    first, last = 1048500, 1048600
    target = stage.files / "range"
    token = stage.session().token
    stage.run(
        *("curl", "-sS", "--fail", "-H", f"X-Auth-Token: {token}", "-o", str(target)),
        *("-H", f"Range: bytes={first}-{last}"),
        stage.cloud.url("glance_one", f"/v2/images/{image}/file"),
    )
    same = target.read_bytes() == disk.read_bytes()[first : last + 1]
    stage.check(same, f"these are bytes {first} to {last} of the disk")


def _rekey(stage: Stage, image: str, stored: Stored) -> None:
    order = stage.run(
        *("openstack", "secret", "order", "create", "--name", f"{stage.name}-key"),
        *("--algorithm", "aes", "--bit-length", "256"),
        *("-f", "value", "-c", "Order href", "key"),
    )
    order_id = order.rpartition("/")[2]
    made = f"/v1/orders/{order_id}"
    secret = stage.wait_for(
        "the new key", lambda: str(stage.get("barbican", made).get("secret_ref") or "")
    )
    key = secret.rpartition("/")[2]
    allow = ("--user", _service(stage), "--operation-type", "read", secret)
    stage.run("openstack", "acl", "user", "add", *allow, shown=False)
    before = (_sha256(stored.body), stored.body.stat().st_mtime_ns)
    stage.run("ims-manage", "rekey", image, key, user="operator")
    shown = stage.get("glance_one", f"/v2/images/{image}")
    stage.check(shown["__system__cmkid"] == key, "the image says so")
    after = (_sha256(stored.body), stored.body.stat().st_mtime_ns)
    stage.check(before == after, f"the body ({stored.body.stat().st_size} bytes) was not touched")


def _service(stage: Stage) -> str:
    """The id of the user that the image service is."""
    url = stage.cloud.url("keystone", "/v3/users?name=glance")
    return str(rest.admin(stage.cloud)("GET", url)["users"][0]["id"])


def _damage(stage: Stage, image: str, stored: Stored) -> None:
    place = _DAMAGED_BYTE
    target = str(stage.files / "damaged")
    url = stage.cloud.url("glance_one", f"/v2/images/{image}/file")
    with stored.body.open("r+b") as file:
        file.seek(place)
        true = file.read(1)
        try:
            file.seek(place)
            file.write(bytes([true[0] ^ 1]))
            file.flush()
            stage.say(f"   (bit 0 of byte {place} of {stored.body.name} is flipped)")
            save = ("openstack", "image", "save", "--file", target, image)
            stage.refuse(*save, because="IncompleteRead")
            there = ("-H", f"Range: bytes={place}-{place}")
            stage.refuse_request(url, *there, status=500, because="IMG.0057")
            verify = ("ims-manage", "verify", image)
            stage.refuse(*verify, user="operator", because="does not authenticate")
        finally:
            file.seek(place)
            file.write(true)
    stage.say("   (and flipped back)")
    stage.run("ims-manage", "verify", image, user="operator")


def _alpine(stage: Stage) -> None:
    alpine = guest.alpine(stage.cloud)
    kernel = _create_alpine(stage, "aki", alpine.kernel)
    initrd = _create_alpine(stage, "ari", alpine.initrd)
    # It has no boot loader.
    how = f"kernel_id={kernel}", f"ramdisk_id={initrd}", f"os_command_line={_ALPINE_COMMAND_LINE}"
    image = _create_alpine(stage, "qcow2", alpine.disk, *how)
    target = stage.files / "alpine.qcow2"
    stage.run("openstack", "image", "save", "--file", str(target), image)
    sent, received = (_sha256(path) for path in (alpine.disk, target))
    stage.check(sent == received, f"SHA-256 is {received} both times")
    log = _boot(stage, image, "m1.small", guest.ALPINE_LAST_SERVICE, kernel, initrd)
    stage.check("Alpine" in log or "OpenRC" in log, "Alpine's own services came up")


def _create_alpine(stage: Stage, disk_format: str, file: Path, *properties: str) -> str:
    container = "bare" if disk_format == "qcow2" else disk_format
    wanted = ("__system__cmkid=ims/default", *properties)
    name = f"{stage.name}-alpine-{disk_format}"
    return stage.run(
        *("openstack", "image", "create"),
        *(word for text in wanted for word in ("--property", text)),
        *("--disk-format", disk_format, "--container-format", container, "--file", str(file)),
        *("-f", "value", "-c", "id", name),
    )
