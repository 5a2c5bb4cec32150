# SPDX-License-Identifier: Apache-2.0
"""Keystone, and Barbican for the keys."""

from pocket_cloud import probes
from pocket_cloud.catalog import uwsgi
from pocket_cloud.service import Service

KEYSTONE = Service(
    name="keystone",
    # One thread: Keystone 30 keeps the token of a request where all threads see it (AuthContext-
    # Middleware.token), and now and then takes one caller for another.
    command=uwsgi.command("keystone", "keystone.wsgi.api:application", "--threads 1"),
    probe=probes.http("keystone", "/v3"),
    needs=("keystone-bootstrap",),
    files={"keystone/keystone.conf": "keystone.conf"},
    environment={"OS_KEYSTONE_CONFIG_FILES": "${etc}/keystone/keystone.conf"},
    ports=("keystone",),
)

BARBICAN = Service(
    name="barbican",
    command=uwsgi.command(
        "barbican", "pocket_cloud.shims.barbican:application", "--pythonpath ${code}"
    ),
    probe=probes.http("barbican", "/"),
    needs=("barbican-database",),
    # Barbican finds its configuration in the folder .barbican of its home.
    files={"barbican/.barbican/barbican.conf": "barbican.conf"},
    environment={
        "HOME": "${etc}/barbican",
        "POCKET_BARBICAN_PASTE": "${venv}/etc/barbican/barbican-api-paste.ini",
    },
    ports=("barbican",),
)
