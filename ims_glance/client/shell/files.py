# SPDX-License-Identifier: Apache-2.0
"""Images that are made of files in buckets: the options, and a file of the caller's disk that goes there first."""

import argparse
import contextlib
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from osc_lib import exceptions

from ims_glance.client import upload
from ims_glance.client.resources.job import Job
from ims_glance.client.shell import base
from ims_glance.client.shell.progress import Progress

PURPOSES = {"ecs": "ECS", "bms": "BMS", "data": "DataImage", "iso": "IsoImage"}
"""``--for`` -> ``type`` of the IMS API."""

# A slash would make it an object in another bucket.
_BUCKET = re.compile(r"[^:\s/]{3,63}")
_UNSEALS = (
    "With the file of a sealed image ('openstack ims image export --sealed'): id of the key that opens it, if that has "
    "another id here than where it was exported"
)
# What goes with a file alone: option -> its name in the IMS API.
_OPTIONS = {
    "min_disk": "min_disk",
    "os_type": "os_type",
    "architecture": "architecture",
    "firmware": "hw_firmware_type",
    "access_key": "access_key",
    "unseal_key": "unseal_key",
}


def add_sources(group: Any) -> None:
    """Options that name a file.

    :param group: of options that exclude each other
    """
    group.add_argument(
        "--file",
        metavar="<bucket:object>",
        help="File in a bucket (a container of Swift) of yours: raw, qcow2, VHD, VMDK, ISO or OVA. Of an OVA with "
        "several disks the whole machine becomes the image, and so it does of the manifest (.json) of a machine that was "
        "exported with one object a disk. Leave the file as it is until the image is made",
    )
    group.add_argument(
        "--from-file",
        metavar="<path>",
        help="The same of a file on this machine: it is uploaded to a bucket, one of more than 1 GiB in segments, and "
        "deleted there once the image is made, which is waited for",
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that say more of a file."""
    parser.add_argument(
        "--data-file",
        metavar=("<bucket:object>", "<GB>"),
        nargs=2,
        action="append",
        default=[],
        help="With --file: file of a data disk to make an image of, too, and the size of that disk in GB (repeat for "
        "more, up to 3). The images are called <name>-2, ...",
    )
    parser.add_argument(
        "--bucket",
        metavar="<bucket>",
        help=f"With --from-file: where it goes (default: {upload.BUCKET}, which is made)",
    )
    parser.add_argument(
        "--min-disk",
        metavar="<GB>",
        type=base.positive,
        help="With --file: size of the disk in GB, at least that of the disk in the file (40 or more unless the "
        "operator says otherwise). Not needed with the manifest of a machine, which says it",
    )
    parser.add_argument(
        "--os-type",
        choices=["Linux", "Windows", "Other"],
        help="With --file: family of the operating system, if no --os-version is named (default: Linux)",
    )
    parser.add_argument(
        "--architecture",
        choices=["x86", "arm"],
        help="With --file: processors that it runs on (default: x86)",
    )
    parser.add_argument(
        "--firmware", choices=["bios", "uefi"], help="With --file: how it boots (arm: uefi)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="With --file: import a large file (up to 1 TB). A system disk then needs --os-version",
    )
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="With --file, --volume or --server: make the system in the image ready for this cloud: addresses by DHCP, "
        "virtio in the initrd, cloud-init, and so on. 'openstack ims image show --report' says what was done. The "
        "file, volume or server stays as it is",
    )
    add_access_key(parser)
    parser.add_argument(
        "--unseal-key",
        metavar="<key>",
        action="append",
        default=[],
        help=f"{_UNSEALS} (repeat for more files with keys of their own; each is tried at each file)",
    )


def add_unseal_key(parser: argparse.ArgumentParser) -> None:
    """The option that says what opens the one file of a sealed image."""
    parser.add_argument("--unseal-key", metavar="<key>", help=_UNSEALS)


def add_access_key(parser: argparse.ArgumentParser) -> None:
    """The option that says who reads a bucket."""
    parser.add_argument(
        "--access-key",
        metavar="<key>",
        help="With --file: read the bucket from S3, with this access key of yours ('openstack ec2 credentials "
        "list'). Its secret is never sent",
    )


def data_images(parsed_args: argparse.Namespace) -> list[dict[str, Any]]:
    """Images of data disks that are asked for, by the names of the IMS API.

    :raises CommandError: if one is no file, or has no size
    """
    found = []
    for number, (url, size) in enumerate(parsed_args.data_file, 2):
        check_url(url, "--data-file")
        if not size.isdecimal() or not int(size):
            raise exceptions.CommandError(
                "--data-file is BUCKET:OBJECT and the size of the disk in GB, a whole number above 0."
            )
        name = f"{parsed_args.name}-{number}"
        found.append({"name": name, "image_url": url, "min_disk": int(size)})
    return found


def check(parsed_args: argparse.Namespace) -> None:
    """Refuse what has no meaning together.

    :raises CommandError: says what to change
    """
    if parsed_args.from_file and parsed_args.access_key:
        raise exceptions.CommandError(
            "--from-file needs no --access-key: it goes up with your token."
        )
    _check_bucket(parsed_args)
    if parsed_args.file is None and parsed_args.from_file is None:
        names = (*_OPTIONS, "quick", "data_file")
        given = [name for name in names if getattr(parsed_args, name)]
        if given:
            raise exceptions.CommandError(f"--{given[0].replace('_', '-')} goes with --file.")
        if parsed_args.type in ("data", "iso"):
            raise exceptions.CommandError(f"--for {parsed_args.type} goes with --file.")
        return
    if not parsed_args.from_file:
        check_url(parsed_args.file or "")
    if parsed_args.prepare and (parsed_args.quick or parsed_args.type in ("data", "iso")):
        raise exceptions.CommandError(
            "--prepare is for system disks, and goes neither with --quick nor with --for data or iso."
        )
    _check_machine(parsed_args)
    data_images(parsed_args)
    if parsed_args.data_file and (parsed_args.quick or parsed_args.type in ("data", "iso")):
        raise exceptions.CommandError("--data-file goes with a system disk, and without --quick.")
    if parsed_args.type == "iso" and not parsed_args.os_version:
        raise exceptions.CommandError(
            "An ISO needs --os-version: what it installs (see 'openstack ims os list')."
        )


def is_manifest(named: str) -> bool:
    """Whether a file is the manifest of a machine, by its name."""
    return named.lower().endswith(upload.MANIFEST)


def _check_machine(parsed_args: argparse.Namespace) -> None:
    """Refuse what has no meaning with the manifest of a machine, and what else does not say."""
    if not is_manifest(parsed_args.file or parsed_args.from_file):
        if parsed_args.min_disk is None:
            raise exceptions.CommandError("A file needs --min-disk, the size of the disk in GB.")
        return
    if parsed_args.from_file:
        raise exceptions.CommandError(
            "--from-file is one file, and the disks of a machine are others. Put all of them into a bucket, and name the "
            "manifest with --file."
        )
    if parsed_args.type not in (None, "ecs") or parsed_args.data_file:
        raise exceptions.CommandError(
            "The manifest of a machine (.json) names all of its disks, and makes an image for virtual servers: leave out "
            "--for and --data-file."
        )


def check_url(named: str, option: str = "--file") -> None:
    """Check the name of a file in a bucket.

    :raises CommandError: if it is none
    """
    bucket, _colon, name = named.partition(":")
    if not bucket or not name:
        raise exceptions.CommandError(f"{option} is BUCKET:OBJECT.")


def _check_bucket(parsed_args: argparse.Namespace) -> None:
    if parsed_args.bucket and not parsed_args.from_file:
        raise exceptions.CommandError("--bucket goes with --from-file.")
    if parsed_args.bucket and not _BUCKET.fullmatch(parsed_args.bucket):
        raise exceptions.CommandError(
            "--bucket is a name of 3 to 63 characters, without blanks, ':' and '/'."
        )


def wishes(parsed_args: argparse.Namespace, url: str) -> dict[str, Any]:
    """What is asked for a file, by the names of the IMS API.

    :param url: ``bucket:object``
    """
    found = {wire: getattr(parsed_args, name) or None for name, wire in _OPTIONS.items()}
    keys = parsed_args.unseal_key
    # Older services know of one.
    found["unseal_key"] = keys[0] if len(keys) == 1 else keys or None
    if is_manifest(url):
        found["is_quick_import"] = parsed_args.quick or None
    return {"image_url": url, **found, "data_images": data_images(parsed_args) or None}


def local(cloud: Any, parsed_args: argparse.Namespace) -> "LocalFile | None":
    """The file of the caller's disk, if it is one; it is not uploaded yet."""
    if not parsed_args.from_file:
        return None
    path = Path(parsed_args.from_file)
    return LocalFile(cloud, path, parsed_args.bucket or upload.BUCKET)


class LocalFile:
    """A file to be uploaded.

    :param cloud: the caller's connection of openstacksdk
    :param bucket: a container of theirs, made if there is none
    :ivar url: ``bucket:object``
    """

    def __init__(self, cloud: Any, path: Path, bucket: str) -> None:
        self._cloud = cloud
        self._path = path
        name = upload.object_name(path.name)
        self._object = upload.NewObject(self._request, bucket, name)
        self.url = self._object.url

    def _request(self, path: str, method: str, **how: Any) -> Any:
        """Not before there is something to send the object storage is looked for."""
        return self._cloud.object_store.request(path, method, **how)

    def send(self, stream: TextIO) -> None:
        """Upload it, with a bar.

        :raises CommandError: if it cannot be read, or is too large, or is not taken; :meth:`delete` what is there then
        """
        try:
            with self._path.open("rb") as opened, _ending_orderly():
                self._send(opened, stream)
        except OSError as error:
            raise exceptions.CommandError(f"{self._path}: {error.strerror or error}") from error
        except upload.UploadRefused as error:
            raise exceptions.CommandError(str(error)) from error

    def delete(self) -> None:
        """Delete the object and its segments, and the buckets that were made for it and are empty.

        :raises CommandError: if something stays
        """
        try:
            self._object.delete()
        except upload.UploadRefused as error:
            raise exceptions.CommandError(str(error)) from error

    def _send(self, opened: BinaryIO, stream: TextIO) -> None:
        size = os.fstat(opened.fileno()).st_size
        if not size:
            raise exceptions.CommandError(f"{self._path} is empty.")
        segment = upload.segment_size(size)
        if segment > upload.LARGEST:
            raise exceptions.CommandError(
                f"{self._path} has more than {upload.SEGMENTS} segments of 5 GiB, which no object storage takes. Make it "
                "smaller ('qemu-img convert -c -O qcow2')."
            )
        progress = Progress(stream)
        watched = _Watched(opened, size, self._path.name, progress)
        with contextlib.closing(progress):
            if size <= segment:
                self._object.put(watched.part(size))
                return
            for at in range(0, size, segment):
                part = watched.part(min(segment, size - at))
                self._object.put_segment(part, part.__len__)
            self._object.join()


@contextlib.contextmanager
def _ending_orderly() -> Iterator[None]:
    """While the block runs, a terminal that is closed, or a shutdown, ends the program as Ctrl-C does.

    So what is there of the file is deleted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Watched:
    """A file on its way, part by part."""

    def __init__(self, opened: BinaryIO, size: int, name: str, progress: Progress) -> None:
        self._opened = opened
        self._sent = 0
        self._size = size
        self._task = f"upload {name}"
        self._progress = progress

    def part(self, length: int) -> "_Part":
        """The next bytes, as ``requests`` sends them."""
        return _Part(self, length)

    def read(self, length: int) -> bytes:
        """The next piece."""
        data = self._opened.read(length)
        self._sent += len(data)
        entities = {
            "done_bytes": self._sent,
            "total_bytes": self._size,
            "current_task": self._task,
        }
        self._progress.show(Job.existing(status="RUNNING", entities=entities))
        return data


class _Part:
    """With its length, a piece at a time; no more than the file had when it began."""

    def __init__(self, watched: _Watched, length: int) -> None:
        self._watched = watched
        self._length = self._left = length

    def __len__(self) -> int:
        return self._length

    def read(self, length: int = -1) -> bytes:
        """The next piece."""
        data = self._watched.read(self._left if length < 0 else min(length, self._left))
        self._left -= len(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(1 << 20):
            yield piece
