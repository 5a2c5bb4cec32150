# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image save``: an image as a file on the caller's disk, in any format."""

import json
import random

import pytest
from osc_lib import exceptions

from ims_glance.client.commands.image_save import SaveImage
from ims_glance.client.operations.data import DataBroken
from ims_glance.writers import factory
from tests.unit.client.cloud import IMAGE, IMAGE_ID, SECOND_ID, Answer, image
from tests.unit.writers import disks, zvhd_reader

DISK = random.Random(7).randbytes(300_000) + bytes(5 << 20) + b"the end"


@pytest.fixture
def stored(cloud):
    cloud.data(DISK)
    return cloud


def _save(run, path, *arguments):
    assert run(SaveImage, "mine", "--file", str(path), *arguments) == ""


@pytest.mark.parametrize("name", disks.QEMU)
def test_qemu_img_reads_what_is_saved(stored, run, tmp_path, name):
    _save(run, tmp_path / "saved", "--format", name)
    disks.compare(name, (tmp_path / "saved").read_bytes(), DISK, tmp_path)


@pytest.mark.parametrize("name", ["zvhd", "zvhd2"])
def test_a_strict_reader_reads_what_is_saved(stored, run, tmp_path, name):
    _save(run, tmp_path / "saved", "--format", name)
    read = getattr(zvhd_reader, name)((tmp_path / "saved").read_bytes())
    assert read == DISK + bytes(-len(DISK) % 512)


def test_every_format_that_there_is_can_be_chosen():
    assert {*disks.QEMU, "zvhd", "zvhd2"} == set(factory.WRITERS)


def test_the_image_is_named_in_the_file(stored, run, tmp_path):
    _save(run, tmp_path / "saved", "--format", "vhd")
    assert (tmp_path / "saved").read_bytes()[68:84].hex() == IMAGE_ID.replace("-", "")


def test_zeros_of_a_raw_image_take_no_room(stored, run, tmp_path):
    _save(run, tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == DISK
    assert (tmp_path / "saved").stat().st_blocks * 512 < 1 << 20


def test_zeros_at_the_end_count(cloud, run, tmp_path):
    cloud.data(b"x" + bytes(3 << 20))
    _save(run, tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == b"x" + bytes(3 << 20)


def test_another_format_is_saved_as_it_is(cloud, run, tmp_path):
    cloud.data(DISK, disk_format="qcow2")
    _save(run, tmp_path / "saved")
    _save(run, tmp_path / "again", "--format", "qcow2")
    assert (tmp_path / "saved").read_bytes() == (tmp_path / "again").read_bytes() == DISK


def test_another_format_is_not_converted(cloud, run, tmp_path):
    cloud.data(DISK, disk_format="qcow2")
    with pytest.raises(exceptions.CommandError, match=r"stored as qcow2.*leave --format away"):
        _save(run, tmp_path / "saved", "--format", "vmdk")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_replaced_if_it_is_said(stored, run, tmp_path):
    target = tmp_path / "saved"
    target.write_text("old")
    with pytest.raises(exceptions.CommandError, match=r"there already.*--force"):
        _save(run, target)
    assert target.read_text() == "old"
    assert stored.requests == []
    _save(run, target, "--force")
    assert target.read_bytes() == DISK


def test_an_encrypted_image_is_never_decrypted_by_accident(cloud, run, tmp_path):
    cloud.data(DISK, __system__cmkid="k")
    with pytest.raises(
        exceptions.CommandError, match=r"encrypted, and the file would not be.*--decrypt"
    ):
        _save(run, tmp_path / "saved", "--format", "qcow2")
    assert not any(request.path.endswith("/file") for request in cloud.requests)
    _save(run, tmp_path / "saved", "--format", "qcow2", "--decrypt")
    disks.compare("qcow2", (tmp_path / "saved").read_bytes(), DISK, tmp_path)


def test_what_breaks_off_leaves_nothing(stored, run, tmp_path):
    stored.data(DISK, os_hash_value="0" * 128)
    with pytest.raises(DataBroken, match="damaged"):
        _save(run, tmp_path / "saved", "--format", "qcow2")
    assert list(tmp_path.iterdir()) == []


def test_more_or_less_than_the_image_has(stored, run, tmp_path):
    for content in (DISK + b"x", DISK[:-1]):
        stored.on("GET", f"{IMAGE}/v2/images/{IMAGE_ID}/file", lambda _r, c=content: Answer(200, c))
        with pytest.raises((exceptions.CommandError, DataBroken), match=IMAGE_ID):
            _save(run, tmp_path / "saved", "--format", "qcow2")
        assert list(tmp_path.iterdir()) == []


def test_a_whole_machine_names_its_disks(cloud, run, tmp_path):
    mapping = json.dumps([{"image_id": SECOND_ID, "boot_index": 0}])
    cloud.images(image(__whole_image="true", block_device_mapping=mapping))
    with pytest.raises(exceptions.CommandError, match=f"openstack ims image save {SECOND_ID} "):
        _save(run, tmp_path / "saved")


@pytest.mark.parametrize("status", ["queued", "saving", "deactivated"])
def test_an_image_without_data(cloud, run, tmp_path, status):
    cloud.data(DISK, status=status)
    with pytest.raises(exceptions.CommandError, match=f"it is {status}"):
        _save(run, tmp_path / "saved")


def test_it_is_said_if_there_is_no_digest(cloud, run, tmp_path, capsys):
    cloud.data(DISK, os_hash_value=None, checksum=None)
    _save(run, tmp_path / "saved")
    assert "the service knows no digest" in capsys.readouterr().err


def test_how_it_gets_on_is_shown(stored, run, tmp_path, capsys):
    _save(run, tmp_path / "saved", "--format", "qcow2")
    said = capsys.readouterr().err
    assert f"image {IMAGE_ID}: saving" in said
    assert f"image {IMAGE_ID}: saved, 100%" in said
    size = (tmp_path / "saved").stat().st_size
    assert (
        f"saved in {tmp_path / 'saved'} as qcow2, {size / 1024:.1f} KiB; its data has the sha512"
        in said
    )
