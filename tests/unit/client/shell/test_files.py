# SPDX-License-Identifier: Apache-2.0
"""Options of images of files; what they become of is in ``commands/test_image_create.py``."""

import argparse

from ims_glance.client.shell import files

NOTHING = {
    "bucket": None,
    "min_disk": None,
    "os_type": None,
    "architecture": None,
    "firmware": None,
    "access_key": None,
    "quick": False,
}


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    files.add_sources(parser)
    files.add_options(parser)
    return parser.parse_args(arguments)


def test_nothing_is_asked_for_by_itself():
    found = vars(parsed())
    assert found == {"file": None, "from_file": None, **NOTHING}


def test_what_is_asked_for_a_file():
    found = files.wishes(parsed("--min-disk", "5", "--firmware", "uefi"), "b:o")
    said = {name: value for name, value in found.items() if value is not None}
    assert said == {"image_url": "b:o", "min_disk": 5, "hw_firmware_type": "uefi"}
