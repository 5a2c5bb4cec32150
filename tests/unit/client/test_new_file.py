# SPDX-License-Identifier: Apache-2.0
"""Files that the client writes appear when they are complete."""

import stat

import pytest
from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions

from ims_glance.client.new_file import new_file


def test_it_takes_the_place_of_the_old_one_at_the_end(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with new_file(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_half_of_it_is_never_there(tmp_path, error):
    path = tmp_path / "file"
    with pytest.raises(error), new_file(path) as file:
        file.write(b"half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_no_room(tmp_path):
    with (
        pytest.raises(exceptions.CommandError, match=r"file: No space left"),
        new_file(tmp_path / "file"),
    ):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_what_the_service_says_is_not_the_file_s(tmp_path):
    refused = sdk_exceptions.HttpException("IMG.0026: Not yours.")
    assert isinstance(refused, OSError)
    with pytest.raises(sdk_exceptions.HttpException, match=r"^IMG"), new_file(tmp_path / "file"):
        raise refused
    assert list(tmp_path.iterdir()) == []


def test_no_folder(tmp_path):
    with (
        pytest.raises(exceptions.CommandError, match="No such file"),
        new_file(tmp_path / "none" / "file"),
    ):
        raise AssertionError
