# SPDX-License-Identifier: Apache-2.0
"""The pocket cloud as tests and benchmarks see it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import openstack
from openstack import config as openstack_config

HOME = Path(
    os.environ.get("POCKET_HOME") or Path(__file__).resolve().parents[2] / ".pocket"
).resolve()


def connect(cloud: str) -> Any:
    """An openstacksdk connection; *cloud* is ``admin``, ``demo`` or ``other`` (RegionOne)."""
    clouds = openstack_config.OpenStackConfig(config_files=[str(HOME / "clouds.yaml")])
    return openstack.connection.Connection(config=clouds.get_one(cloud))


def glance_environment(region: str = "one") -> dict[str, str]:
    """The environment of a region's Glance: with it, our commands find its configuration."""
    etc = HOME / "etc" / f"glance-{region}"
    return {**os.environ, "HOME": str(etc), "OS_GLANCE_CONFIG_DIR": str(etc)}


def glance_config_files(region: str = "one") -> list[str]:
    """The configuration files of a region's Glance, in the order in which it reads them."""
    etc = HOME / "etc" / f"glance-{region}"
    drop_ins = sorted((etc / ".glance" / "glance-api.conf.d").glob("*.conf"))
    return [str(etc / "glance-api.conf"), *map(str, drop_ins)]


def manage(*arguments: str, region: str = "one", check: bool = True) -> Any:
    """Run ``ims-manage`` as the operator of a region.

    :returns: the finished process, with its output as text
    """
    return subprocess.run(
        [str(Path(sys.executable).with_name("ims-manage")), *arguments],
        env=glance_environment(region),
        capture_output=True,
        text=True,
        check=check,
        timeout=600,
    )


def glance_workers(region: str = "one") -> list[int]:
    """Process ids of the workers of a region's Glance."""
    master = json.loads((HOME / "run" / f"glance-{region}.json").read_text())["pid"]
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return [int(child) for child in children]
