# SPDX-License-Identifier: Apache-2.0
"""Horizon with the console of ims_glance."""

from pocket_cloud import probes
from pocket_cloud.catalog import uwsgi
from pocket_cloud.service import Service
from pocket_cloud.setup.console import ENVIRONMENT, FILES

HORIZON = Service(
    name="horizon",
    command=uwsgi.command(
        "horizon",
        "openstack_dashboard.wsgi:application",
        # Tables of Horizon keep on their classes what is of one request.
        "--processes 2 --threads 1 --static-map /static=${data}/horizon/static",
    ),
    probe=probes.http("horizon", "/auth/login/", worst=399),
    needs=("horizon-static", "keystone"),
    files=FILES,
    folders=("horizon",),
    environment=ENVIRONMENT,
    ports=("horizon",),
    # Others have the processors when it starts, and nobody waits for it.
    patience=300.0,
    watches=("${checkout}/ims_glance/dashboard", "${checkout}/ims_glance/client"),
)
