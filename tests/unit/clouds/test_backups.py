# SPDX-License-Identifier: Apache-2.0
"""Which driver keeps server backups."""

import tomllib
from pathlib import Path

import pytest

from ims_glance.clouds import backups
from ims_glance.clouds.backups.cinder import CinderBackups
from ims_glance.clouds.region import Region

ROOT = Path(__file__).parents[3]


def test_cinder(conf):
    assert isinstance(backups.load(conf, Region(None)), CinderBackups)


def test_it_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"][backups.NAMESPACE]
    assert declared["cinder"] == f"{CinderBackups.__module__}:{CinderBackups.__name__}"


def test_a_driver_that_is_not_installed(conf):
    conf.set_override("driver", "tape", "ims_backups")
    with pytest.raises(backups.DriverMissing, match="tape"):
        backups.load(conf, Region(None))
