# SPDX-License-Identifier: Apache-2.0
import pytest
from oslo_config import cfg

from ims_glance.conf import ims_files


@pytest.fixture
def options():
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    ims_files.register_opts(conf)
    return conf


def test_the_numbers_are_those_of_the_deck(options):
    files = options.ims_files
    assert (files.file_gib, files.quick_file_gib) == (128, 1024)
    assert (files.least_system_disk_gib, files.most_system_disk_gib) == (40, 1024)
    assert (files.least_data_disk_gib, files.most_data_disk_gib) == (40, 2048)


def test_buckets_are_read_with_the_callers_token(options):
    assert (options.ims_files.object_store, options.ims_files.s3_endpoint) == ("swift", None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("file_gib", 0),
        ("most_system_disk_gib", 1025),
        ("most_data_disk_gib", 2049),
        ("most_disks", 0),
        ("most_disks", 61),
        ("s3_endpoint", "ftp://x"),
    ],
)
def test_bounds(options, name, value):
    with pytest.raises(ValueError, match=r".+"):
        options.set_override(name, value, group="ims_files")


def test_every_option_has_a_help():
    assert all(option.help for option in dict(ims_files.list_opts())["ims_files"])
