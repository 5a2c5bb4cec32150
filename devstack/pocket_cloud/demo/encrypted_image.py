# SPDX-License-Identifier: Apache-2.0
"""The life of an encrypted image: made, looked for, booted, read, refused, re-keyed, deleted."""

import hashlib
import json
from pathlib import Path

from pocket_cloud import guest
from pocket_cloud.demo.stage import Stage

_REKEY = "demo-key"
_WINDOW = 32
_ALPINE_COMMAND_LINE = "root=/dev/vda rw rootflags=rw rootfstype=ext4 console=ttyS0"


def play(stage: Stage) -> None:
    """Play all of it."""
    disk = guest.build(stage.cloud)
    before = _stored(stage)
    with stage.step("Tenant demo makes an image under the project's own key"):
        image = _create(stage, disk)
    files = sorted(_stored(stage) - before)
    with stage.step("The store holds ciphertext, and no byte run of the disk"):
        _look_for_plaintext(stage, disk, files)
    with stage.step("An unmodified Nova boots a server from it"):
        _boot_guest(stage, image)
    with stage.step("Downloaded, it is the same"):
        _download(stage, image, disk)
    with stage.step("A range of it, too"):
        _read_range(stage, disk, image)
    with stage.step("Tenant other gets nothing"):
        unseen, target = "No Image found", str(stage.files / "stolen")
        stage.refuse("openstack", "image", "show", image, user="other", because=unseen)
        save = ("openstack", "image", "save", "--file", target, image)
        stage.refuse(*save, user="other", because=unseen)
    with stage.step("The operator gives it to another key of the tenant; its data stays as it is"):
        _rekey(stage, image, files)
    with stage.step("It boots under the new key"):
        _boot_guest(stage, image)
    with stage.step("One changed byte is found"):
        _damage(stage, image, files)
    with stage.step("Deleted, nothing of it is left"):
        stage.run("openstack", "image", "delete", image)
        stage.check(_stored(stage) == before, "its header and its body are gone from the store")
    with stage.step("The same with a real distribution: Alpine Linux, qcow2"):
        _alpine(stage)


def _stored(stage: Stage) -> set[Path]:
    """Files of the encrypting store's inner store."""
    return set(stage.cloud.path("data", "glance-one", "kms").iterdir())


def _create(stage: Stage, disk: Path) -> str:
    name = f"{stage.name}-guest"
    stage.at_end("openstack", "image", "delete", name)
    image = stage.run(
        *("openstack", "image", "create", "--property", "__system__cmkid=ims/default"),
        *("--disk-format", "raw", "--container-format", "bare", "--file", str(disk)),
        *("-f", "value", "-c", "id", name),
    )
    key = _property(stage, image, "__system__cmkid")
    stores = _property(stage, image, "stores")
    stage.check(stores == "kms", f"it is in the encrypting store ({stores}), under key {key}")
    return image


def _property(stage: Stage, image: str, name: str) -> str:
    command = ("openstack", "image", "show", "-f", "json", "-c", "properties", image)
    properties = json.loads(stage.quietly(*command) or "{}").get("properties", {})
    return str(properties.get(name, ""))


def _look_for_plaintext(stage: Stage, disk: Path, files: list[Path]) -> None:
    for file in files:
        stage.say(f"     {file.stat().st_size:>10}  {file.name}")
    stored = b"".join(file.read_bytes() for file in files)
    stage.check(len(stored) > disk.stat().st_size, "the files are as long as the disk, and more")
    windows = set(_windows(disk.read_bytes(), _WINDOW))
    # Found at any place, not only at multiples of the window.
    met = sum(stored[at : at + _WINDOW] in windows for at in range(len(stored) - _WINDOW + 1))
    stage.check(met == 0, f"none of {len(windows)} runs of {_WINDOW} bytes of the disk is in them")


def _windows(data: bytes, size: int) -> list[bytes]:
    """Runs of *data*, except those of one and the same byte."""
    runs = (data[at : at + size] for at in range(0, len(data) - size + 1, size))
    return [run for run in runs if len(set(run)) > 1]


def _boot(stage: Stage, image: str, flavor: str, last: str, *parts: str) -> str:
    """Boot a server, wait until *last* is on its console, delete it again; its console.

    :param parts: ids of the images of its kernel and initial ramdisk, if it has any
    """
    name = f"{stage.name}-server"
    _forget(stage, image)
    stage.call_at_end(lambda: _forget(stage, image, *parts))
    stage.at_end("openstack", "server", "delete", "--wait", name)
    stage.run(
        *("openstack", "--os-compute-api-version", "2.37", "server", "create", "--wait"),
        *("--image", image, "--flavor", flavor, "--no-network"),
        *("-f", "value", "-c", "status", name),
    )
    console = ("openstack", "console", "log", "show", name)
    stage.say(f"   demo$ {' '.join(console)}")

    def finished() -> str:
        log = stage.quietly(*console)
        return log if last in log else ""

    log = stage.wait_for(f"'{last}' on its console", finished)
    for line in log.splitlines():
        if line.startswith(("IMS-GUEST", last)):
            stage.say(f"     {line}")
    stage.run("openstack", "server", "delete", "--wait", name)
    return log


def _forget(stage: Stage, *images: str) -> None:
    """Remove what Nova has kept of *images*, in plain: it must ask Glance again.

    Of these alone: the disks of other servers stand on what is kept of theirs.
    """
    kept = stage.cloud.path("data", "nova", "instances", "_base")
    for image in images:
        name = hashlib.sha1(image.encode(), usedforsecurity=False).hexdigest()
        for path in kept.glob(f"{name}*"):
            path.unlink()


def _boot_guest(stage: Stage, image: str) -> None:
    log = _boot(stage, image, "m1.nano", guest.LAST_LINE)
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
    token = stage.quietly("openstack", "token", "issue", "-f", "value", "-c", "id")
    # Across the border of two encrypted segments.
    first, last = 1048500, 1048600
    target = stage.files / "range"
    stage.run(
        *("curl", "-sS", "--fail", "-H", f"X-Auth-Token: {token}", "-o", str(target)),
        *("-H", f"Range: bytes={first}-{last}"),
        stage.cloud.url("glance_one", f"/v2/images/{image}/file"),
    )
    same = target.read_bytes() == disk.read_bytes()[first : last + 1]
    stage.check(same, f"these are bytes {first} to {last} of the disk")


def _rekey(stage: Stage, image: str, files: list[Path]) -> None:
    order = stage.run(
        *("openstack", "secret", "order", "create", "--name", _REKEY),
        *("--algorithm", "aes", "--bit-length", "256"),
        *("-f", "value", "-c", "Order href", "key"),
    )
    stage.at_end("openstack", "secret", "order", "delete", order)
    wait = ("openstack", "secret", "order", "get", "-f", "value", "-c", "Secret href", order)
    secret = stage.wait_for("the new key", lambda: stage.quietly(*wait).replace("None", ""))
    stage.at_end("openstack", "secret", "delete", secret)
    key = secret.rpartition("/")[2]
    service = stage.quietly(
        *("openstack", "user", "show", "-f", "value", "-c", "id", "glance"), user="admin"
    )
    allow = ("--user", service, "--operation-type", "read", secret)
    stage.run("openstack", "acl", "user", "add", *allow, shown=False)
    body = _body(files)
    before = (_sha256(body), body.stat().st_mtime_ns)
    stage.run("ims-manage", "rekey", image, key, user="operator")
    stage.check(_property(stage, image, "__system__cmkid") == key, "the image says so")
    after = (_sha256(body), body.stat().st_mtime_ns)
    stage.check(before == after, f"the body ({body.stat().st_size} bytes) was not touched")


def _body(files: list[Path]) -> Path:
    return next(file for file in files if ".header-" not in file.name)


def _damage(stage: Stage, image: str, files: list[Path]) -> None:
    body = _body(files)
    # Not in the first segment: the answer has begun when this one is read.
    place = 30_000_000
    target = str(stage.files / "damaged")
    with body.open("r+b") as file:
        file.seek(place)
        true = file.read(1)
        try:
            file.seek(place)
            file.write(bytes([true[0] ^ 1]))
            file.flush()
            stage.say(f"   (bit 0 of byte {place} of {body.name} is flipped)")
            save = ("openstack", "image", "save", "--file", target, image)
            stage.refuse(*save, because="IncompleteRead")
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
    stage.at_end("openstack", "image", "delete", name)
    return stage.run(
        *("openstack", "image", "create"),
        *(word for text in wanted for word in ("--property", text)),
        *("--disk-format", disk_format, "--container-format", container, "--file", str(file)),
        *("-f", "value", "-c", "id", name),
    )
