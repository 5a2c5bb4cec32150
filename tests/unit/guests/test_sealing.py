# SPDX-License-Identifier: Apache-2.0
"""The head of a scratch file, as others read it."""

import json
import subprocess

from ims_glance.guests import sealing


def test_qemu_img_opens_what_is_sealed(tmp_path):
    """The head of a scratch file is LUKS as others know it."""
    sealed = tmp_path / "sealed"
    sealed.write_bytes(sealing.head(b"word") + bytes(1 << 20))
    said = subprocess.run(
        ["qemu-img", "info", "--output=json", "--object", "secret,id=s,data=word", "--image-opts",
         f"driver=luks,key-secret=s,file.driver=file,file.filename={sealed}"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(said.stdout)["virtual-size"] == 1 << 20
