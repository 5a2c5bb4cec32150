# SPDX-License-Identifier: Apache-2.0
"""The archive that the guest's kernel unpacks."""

import subprocess

from pocket_cloud import guest


def test_cpio_is_read_by_the_real_tool(tmp_path):
    archive = guest._cpio(
        [
            ("bin", guest._DIRECTORY, b""),
            ("bin/odd", guest._PROGRAM, b"12345"),
            ("etc-file", guest._FILE, b"x" * 4096),
        ]
    )
    # busybox has it where the cpio package is not installed; the guest needs busybox anyway.
    unpacked = subprocess.run(
        ["busybox", "cpio", "-idm"], input=archive, cwd=tmp_path, capture_output=True, check=True
    )
    assert b"error" not in unpacked.stderr.lower()
    assert (tmp_path / "bin/odd").read_bytes() == b"12345"
    assert (tmp_path / "bin/odd").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "etc-file").read_bytes() == b"x" * 4096


def test_trailer_ends_the_archive():
    archive = guest._cpio([])
    assert archive.startswith(b"070701")
    assert b"TRAILER!!!\0" in archive
    assert len(archive) % 4 == 0
