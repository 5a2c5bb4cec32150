# SPDX-License-Identifier: Apache-2.0
"""The manifest: what reads those of others reads it."""

import hashlib

from ims_glance.formats.packed import manifest as reader
from ims_glance.writers.archive import manifest


def test_it_is_read():
    digest = hashlib.sha256(b"a").hexdigest()
    said = manifest.text({"web.ovf": digest, "web-disk1.vmdk": digest[::-1]})
    assert reader.parse(said) == {
        "web.ovf": ("sha256", digest),
        "web-disk1.vmdk": ("sha256", digest[::-1]),
    }
    assert said.splitlines()[0].decode() == f"SHA256(web.ovf)= {digest}"
