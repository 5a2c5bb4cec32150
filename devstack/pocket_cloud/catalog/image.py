# SPDX-License-Identifier: Apache-2.0
"""Glance with ims_glance, once per region, and the workers that run its jobs."""

from collections.abc import Mapping

from pocket_cloud import probes
from pocket_cloud.catalog import uwsgi
from pocket_cloud.service import Service
from pocket_cloud.setup.identity import REGION_NAMES

_FLAGS = (
    # Two, so that what must not depend on luck between workers is put to the test.
    "--processes 2",
    "--http-chunked-input --http-auto-chunked",
    "--chunked-input-limit 268435456 --chunked-input-timeout 60 --socket-timeout 60",
)


def glance(region: str, files: Mapping[str, str], needs: tuple[str, ...] = ()) -> Service:
    """Glance of a region; *files* go into its drop-in folder too."""
    etc = f"glance-{region}"
    drop_ins = f"{etc}/.glance/glance-api.conf.d"
    return Service(
        name=etc,
        command=uwsgi.command(f"glance_{region}", "glance.wsgi.api:application", " ".join(_FLAGS)),
        probe=probes.http(f"glance_{region}", "/healthcheck"),
        needs=(f"{etc}-database", *needs),
        files={
            f"{etc}/glance-api.conf": "glance-api.conf",
            f"{etc}/glance-api-paste.ini": "${venv}/etc/glance/glance-api-paste.ini",
            # From here on: what installing ims_glance into a Glance means.
            f"{etc}/ims-glance-paste.ini": "${checkout}/etc/ims_glance/ims-glance-paste.ini",
            f"{etc}/ims-property-protections.conf": (
                "${checkout}/etc/ims_glance/property-protections.conf"
            ),
            f"{drop_ins}/ims-glance.conf": "${checkout}/etc/ims_glance/ims-glance.conf",
            f"{drop_ins}/ims-glance.site.conf": "ims-glance.site.conf",
            "osv/POCKET-0.json": "osv-record.json",
            **files,
        },
        folders=tuple(f"glance-{region}/{name}" for name in ("plain", "kms")),
        extra={
            "region": region,
            "region_name": REGION_NAMES[region],
            "market": "true" if region == "one" else "false",
            "glance_port": f"${{port_glance_{region}}}",
        },
        environment={
            "OS_GLANCE_CONFIG_DIR": "${etc}/" + etc,
            # Glance looks for glance-api.conf.d in the folder .glance of its home.
            "HOME": "${etc}/" + etc,
        },
        ports=(f"glance_{region}",),
        watches=("${checkout}/ims_glance",),
    )


def worker(region: str, name: str = "") -> Service:
    """A worker of a region; it reads the configuration of the region's Glance."""
    etc = "${etc}/glance-" + region
    service = f"ims-worker-{region}{name}"
    return Service(
        name=service,
        command="${venv}/bin/ims-worker",
        probe=probes.logged(service, " runs"),
        needs=(f"ims-{region}-database", "identity-resources"),
        environment={"OS_GLANCE_CONFIG_DIR": etc, "HOME": etc},
        watches=("${checkout}/ims_glance",),
        grace=10.0,
    )


ONE_LIGHT = glance("one", {})
ONE = glance(
    "one",
    {
        "glance-one/.glance/glance-api.conf.d/ims-glance.stores.conf": "ims-glance.stores.conf",
        "glance-one/swift-store.conf": "swift-store.conf",
    },
    ("ceph-pools",),
)
TWO = glance("two", {})

# Two in the first region, so that what must not depend on there being one is put to the test.
WORKERS = (worker("one"), worker("one", "-b"), worker("two"))
