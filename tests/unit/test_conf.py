# SPDX-License-Identifier: Apache-2.0
"""All groups are registered together, and the sample configuration shows them."""

import subprocess
import sys
from pathlib import Path

from oslo_config import cfg

from ims_glance import conf as ims_conf


def test_registering_twice_does_no_harm():
    conf = cfg.ConfigOpts()
    for _ in range(2):
        ims_conf.register_opts(conf)
    conf([], project="glance", default_config_files=[], default_config_dirs=[])
    assert conf.ims_kms.cache_seconds == 60


def test_the_groups():
    assert {group for group, _options in ims_conf.list_opts()} == {
        "ims_api",
        "ims_audit",
        "ims_backups",
        "ims_database",
        "ims_files",
        "ims_guests",
        "ims_jobs",
        "ims_kms",
        "ims_market",
        "ims_metrics",
        "ims_service",
        "ims_signature",
        "ims_usage",
        "kms",
    }


def test_the_sample_configuration():
    """As a packager makes it."""
    generator = Path(sys.executable).parent / "oslo-config-generator"
    made = subprocess.run(
        [str(generator), "--namespace", "ims_glance"], capture_output=True, text=True, check=True
    )
    for expected in ("[ims_kms]", "[kms]", "#cache_seconds = 60", "#ims_kms_inner_driver"):
        assert expected in made.stdout
