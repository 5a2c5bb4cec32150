# SPDX-License-Identifier: Apache-2.0
import base64
import stat
import struct

from pocket_cloud import passwords, template


def test_they_are_random_and_stay(tmp_path):
    one = passwords.load(tmp_path / "one.json")
    assert passwords.load(tmp_path / "one.json") == one
    two = passwords.load(tmp_path / "two.json")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] == two[name]] == []
    assert stat.S_IMODE((tmp_path / "one.json").stat().st_mode) == 0o600


def test_a_missing_one_is_added(tmp_path):
    path = tmp_path / "passwords.json"
    template.write(path, '{"password_admin": "old"}')
    values = passwords.load(path)
    assert values["password_admin"] == "old"
    assert passwords.load(path) == values
    assert set(values) > {"password_demo", "ceph_fsid", "barbican_kek"}


def test_a_cephx_key_has_the_layout_that_ceph_reads():
    raw = base64.b64decode(passwords.cephx_key())
    kind, _seconds, _nanoseconds, length = struct.unpack("<HLLH", raw[:12])
    assert (kind, length, len(raw)) == (1, 16, 28)
