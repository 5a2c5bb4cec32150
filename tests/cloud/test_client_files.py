# SPDX-License-Identifier: Apache-2.0
"""Images of files in buckets, by ``openstack ims image create --file``, on the real object storage."""

import contextlib
import io
import secrets
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.cloud import buckets, client_shell
from tests.cloud.client_shell import read, refusal
from tests.unit.formats import archives

pytestmark = pytest.mark.pocket

MIB = 1 << 20
SYSTEM = "CentOS 7.3 64bit"
DISK = secrets.token_bytes(9 * MIB) + bytes(20 * MIB) + secrets.token_bytes(3 * MIB + 512)
ISO = bytes(32769) + b"CD001" + secrets.token_bytes(2 * MIB)
_FORMATS = {
    "qcow2": ("qcow2",),
    "packed.qcow2": ("qcow2", "-c"),
    "vmdk": ("vmdk", "-o", "subformat=streamOptimized"),
    "vhd": ("vpc", "-o", "subformat=dynamic,force_size=on"),
}


@pytest.fixture(scope="module")
def bucket(demo, tmp_path_factory):
    """With the same disk in several formats."""
    folder = tmp_path_factory.mktemp("files")
    raw = folder / "disk.raw"
    raw.write_bytes(DISK)
    with buckets.bucket(demo, f"files-{secrets.token_hex(4)}") as made:
        made.put("disk.raw", DISK)
        made.put("cd.iso", ISO)
        made.put("folder/ü100%~.raw", DISK)
        for name, (form, *options) in _FORMATS.items():
            made.put(f"disk.{name}", _converted(raw, form, options))
        yield made


def _converted(raw: Path, form: str, options: list[str]) -> bytes:
    target = raw.with_suffix(f".{form}")
    command = ["qemu-img", "convert", "-f", "raw", "-O", form, *options, str(raw), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target.read_bytes()


@pytest.fixture
def make(demo, bucket):
    """Makes an image of a file, and deletes it in the end."""
    with contextlib.ExitStack() as forgetting:

        def make(file, *arguments):
            name = f"file-{secrets.token_hex(4)}"
            forgetting.callback(client_shell.forget, demo, name)
            of = ("--file", f"{bucket.name}:{file}", "--min-disk", "1")
            return read("demo", "image", "create", name, *of, *arguments, "--wait")

        yield make


def _data(demo, image):
    return demo.image.download_image(image["id"]).content


def test_a_raw_disk_with_a_key(demo, make, bucket):
    made = make("disk.raw", "--key", "ims/default", "--os-version", SYSTEM, "--tag", "env=test")
    assert (made["status"], made["encrypted"], made["platform"]) == ("active", True, "CentOS")
    assert made["origin"] == f"file,{bucket.name}:disk.raw"
    assert made["tags"] == ["env=test"]
    assert _data(demo, made) == DISK


@pytest.mark.parametrize("name", _FORMATS)
def test_other_formats(demo, make, name):
    made = make(f"disk.{name}")
    assert demo.image.get_image(made["id"]).disk_format == "raw"
    assert _data(demo, made) == DISK


def test_an_odd_name(demo, make):
    assert _data(demo, make("folder/ü100%~.raw")) == DISK


def test_a_data_disk_and_an_iso(demo, make):
    assert make("disk.raw", "--for", "data", "--quick")["kind"] == "data"
    cd = make("cd.iso", "--for", "iso", "--os-version", SYSTEM)
    assert demo.image.get_image(cd["id"]).disk_format == "iso"
    assert _data(demo, cd) == ISO


def test_a_machine_of_two_disks(demo, make, bucket):
    """One image of both, each under the key; with it they go."""
    system, data = bucket.get("disk.vmdk"), secrets.token_bytes(MIB + 512)
    bucket.put("web.ova", archives.ova({"web-disk1.vmdk": system, "web-disk2.raw": data}))
    made = make("web.ova", "--key", "ims/default", "--os-version", SYSTEM)
    assert (made["kind"], made["encrypted"], made["platform"]) == ("whole", True, "CentOS")
    assert made["origin"] == f"file,{bucket.name}:web.ova"
    assert [(each["boot"], each["size_gb"], each["encrypted"]) for each in made["disks"]] == [
        (0, 1, True),
        (None, 1, True),
    ]
    assert [_data(demo, {"id": each["image_id"]}) for each in made["disks"]] == [DISK, data]
    demo.image.delete_image(made["id"])
    assert [demo.image.find_image(each["image_id"]) for each in made["disks"]] == [None, None]


def test_a_data_disk_beside_a_system_disk(demo, make, bucket):
    data = secrets.token_bytes(MIB + 512)
    bucket.put("data.raw", data)
    made = make("disk.vmdk", "--key", "ims/default", "--data-file", f"{bucket.name}:data.raw", "1")
    try:
        [other] = demo.image.images(name=f"{made['name']}-2")
        assert (_data(demo, made), _data(demo, {"id": other.id})) == (DISK, data)
        assert read("demo", "image", "show", other.id)["kind"] == "data"
    finally:
        client_shell.forget(demo, f"{made['name']}-2")


def test_an_image_that_has_metadata_gets_its_data(demo, bucket):
    body = {
        "name": f"file-{secrets.token_hex(4)}",
        "disk_format": "vhd",
        "container_format": "bare",
    }
    more = {"__os_version": SYSTEM, "__system__cmkid": "ims/default"}
    answer = demo.image.post("/images", json={**body, **more, "visibility": "private"})
    assert answer.status_code == 201, answer.text
    image_id = answer.json()["id"]
    try:
        of = (image_id, f"{bucket.name}:disk.vmdk")
        made = read("demo", "image", "register", *of, "--wait")
        assert (made["id"], made["status"], made["encrypted"]) == (image_id, "active", True)
        assert (made["origin"], made["platform"]) == (f"file,{bucket.name}:disk.vmdk", "CentOS")
        assert _data(demo, made) == DISK
        assert "IMG.0046" in refusal("demo", "image", "register", *of)
    finally:
        demo.image.delete_image(image_id)


def test_with_an_access_key(demo, make, access_key):
    """Buckets are the same in S3 as in Swift."""
    assert _data(demo, make("disk.raw", "--access-key", access_key)) == DISK


@pytest.fixture(scope="module")
def access_key(demo):
    user, project = demo.current_user_id, demo.current_project_id
    path = f"/users/{user}/credentials/OS-EC2"
    made = demo.identity.post(path, json={"tenant_id": project}).json()["credential"]
    yield made["access"]
    demo.identity.delete(f"{path}/{made['access']}")


def test_a_file_on_this_machine(demo, tmp_path):
    name = f"file-{secrets.token_hex(4)}"
    path = tmp_path / "disk.raw"
    path.write_bytes(DISK)
    try:
        made = read("demo", "image", "create", name, "--from-file", str(path), "--min-disk", "1")
        assert _data(demo, made) == DISK
        assert demo.object_store.get("/ims-uploads").status_code == 404
    finally:
        client_shell.forget(demo, name)


@pytest.mark.parametrize(
    ("file", "arguments", "code"),
    [
        ("absent", [], "IMG.0057"),
        ("cd.iso", ["--for", "bms", "--key", "ims/default"], "IMG.0118"),
        ("disk.raw", ["--access-key", "a" * 32], "IMG.0037"),
    ],
)
def test_refusals(bucket, file, arguments, code):
    of = ("--file", f"{bucket.name}:{file}", "--min-disk", "1")
    assert code in refusal("demo", "image", "create", "x", *of, *arguments)


def test_the_bucket_of_somebody_else(bucket):
    of = ("--file", f"{bucket.name}:disk.raw", "--min-disk", "1")
    assert "IMG.0057" in refusal("other", "image", "create", "x", *of)


def test_the_access_key_of_somebody_else(bucket, access_key):
    of = ("--file", f"{bucket.name}:disk.raw", "--min-disk", "1", "--access-key", access_key)
    assert "IMG.0037" in refusal("other", "image", "create", "x", *of)


def test_what_is_no_disk_leaves_nothing(demo, bucket):
    bucket.put("bad.raw", b"QFI\xfb\0\0\0\3" + bytes(5000))
    of = ("--file", f"{bucket.name}:bad.raw", "--min-disk", "1")
    said = refusal("demo", "image", "create", "file-bad", *of, "--wait")
    assert "IMG.0057" in said
    assert not list(demo.image.images(name="file-bad"))


def test_a_whole_machine_out_and_back(demo, make, bucket, tmp_path):
    """As an OVA whose disks QEMU reads, and which makes the same machine again."""
    data = secrets.token_bytes(MIB + 512)
    bucket.put("in.ova", archives.ova({"disk1.vmdk": bucket.get("disk.vmdk"), "disk2.raw": data}))
    made = make("in.ova", "--key", "ims/default", "--os-version", SYSTEM)
    properties = {"hw_disk_bus": "scsi", "os_distro": "centos"}
    demo.image.update_image(made["id"], **properties)
    of = (made["id"], f"{bucket.name}:machine.ova")
    assert "--decrypt" in refusal("demo", "image", "export", *of)
    job = read("demo", "image", "export", *of, "--decrypt", "--wait")
    assert job["status"] == "SUCCESS"
    with tarfile.open(fileobj=io.BytesIO(bucket.get("machine.ova"))) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path)
    assert [Path(name).suffix for name in names] == [".ovf", ".mf", ".vmdk", ".vmdk"]
    assert [_raw(tmp_path / name) for name in names[2:]] == [DISK, data]
    again = make("machine.ova")
    assert (again["kind"], again["encrypted"], again["platform"]) == ("whole", False, "CentOS")
    assert [(each["boot"], each["size_gb"]) for each in again["disks"]] == [
        (each["boot"], each["size_gb"]) for each in made["disks"]
    ]
    assert [_data(demo, {"id": each["image_id"]}) for each in again["disks"]] == [DISK, data]
    kept = demo.image.get(f"/images/{again['id']}").json()
    assert {name: kept.get(name) for name in properties} == properties
    assert not [each for each in bucket.segments("machine.ova/") if each.endswith("note")]


def test_a_whole_machine_as_one_object_a_disk_out_and_back(demo, make, bucket):
    """In the clear and sealed: the manifest makes the same machine again, and the key of a sealed one stays."""
    data = secrets.token_bytes(MIB + 512)
    bucket.put("two.ova", archives.ova({"disk1.vmdk": bucket.get("disk.vmdk"), "disk2.raw": data}))
    made = make("two.ova", "--key", "ims/default", "--os-version", SYSTEM)
    demo.image.update_image(made["id"], hw_disk_bus="scsi")
    for number, how in enumerate((("--file-format", "qcow2", "--decrypt"), ("--sealed",))):
        of = (made["id"], f"{bucket.name}:web{number}")
        assert read("demo", "image", "export", *of, *how, "--wait")["status"] == "SUCCESS"
        assert "IMG.0070" in refusal("demo", "image", "export", *of, *how)
        again = make(f"web{number}.json")
        assert (again["kind"], again["platform"]) == ("whole", "CentOS")
        assert again["encrypted"] is (how == ("--sealed",))
        assert [_data(demo, {"id": each["image_id"]}) for each in again["disks"]] == [DISK, data]
        assert demo.image.get(f"/images/{again['id']}").json()["hw_disk_bus"] == "scsi"
    bucket.put("web0.json", bucket.get("web0.json").replace(b'"web0-disk2', b'"web1-disk2'))
    odd = ("--file", f"{bucket.name}:web0.json", "--min-disk", "1")
    assert "IMG.0057" in refusal("demo", "image", "create", "x", *odd)


def _raw(path):
    target = path.with_suffix(".raw")
    command = ["qemu-img", "convert", "-f", "vmdk", "-O", "raw", str(path), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target.read_bytes()


@pytest.mark.parametrize("form", ["qcow2", "vhd", "vmdk"])
def test_out_and_back(demo, make, bucket, form, tmp_path):
    """What is exported is read by QEMU, and makes the same image again."""
    made = make("disk.raw", "--key", "ims/default")
    of = (made["id"], f"{bucket.name}:out.{form}", "--file-format", form)
    assert "--decrypt" in refusal("demo", "image", "export", *of)
    job = read("demo", "image", "export", *of, "--decrypt", "--wait")
    assert job["status"] == "SUCCESS"
    written, raw = tmp_path / "written", tmp_path / "raw"
    written.write_bytes(bucket.get(f"out.{form}"))
    driver = {"vhd": "vpc"}.get(form, form)
    command = ["qemu-img", "convert", "-f", driver, "-O", "raw", str(written), str(raw)]
    subprocess.run(command, check=True, capture_output=True)
    assert raw.read_bytes() == DISK
    assert _data(demo, make(f"out.{form}")) == DISK
    assert "IMG.0070" in refusal("demo", "image", "export", *of, "--decrypt")


def test_out_and_back_by_an_access_key(demo, make, bucket, access_key):
    """A multipart upload of S3, of which nothing is left beside the file."""
    made = make("disk.raw")
    of = (made["id"], f"{bucket.name}:s3.vhd", "--file-format", "vhd", "--access-key", access_key)
    assert read("demo", "image", "export", *of, "--wait")["status"] == "SUCCESS"
    assert _data(demo, make("s3.vhd", "--access-key", access_key)) == DISK
    assert [each for each in bucket.names() if each.startswith("s3.")] == ["s3.vhd"]
    assert "IMG.0070" in refusal("demo", "image", "export", *of)


def test_nowhere_to_go(demo, make):
    made = make("disk.raw")
    of = (made["id"], "no-such-bucket:x", "--file-format", "qcow2")
    assert "IMG.0069" in refusal("demo", "image", "export", *of)
