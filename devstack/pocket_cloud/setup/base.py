# SPDX-License-Identifier: Apache-2.0
"""Databases and the schemas in them; the message queue."""

import subprocess

from pocket_cloud import template
from pocket_cloud.cloud import CHECKOUT, Cloud
from pocket_cloud.errors import PocketError
from pocket_cloud.service import Step, digest

# Database -> its owner.
LIGHT_DATABASES = {
    "keystone": "keystone",
    "barbican": "barbican",
    "glance_one": "glance",
    "glance_two": "glance",
    "ims_one": "ims",
    "ims_two": "ims",
}
FULL_DATABASES = {
    "placement": "placement",
    "neutron": "neutron",
    "nova_api": "nova",
    "nova": "nova",
    "nova_cell0": "nova",
    "cinder": "cinder",
}


def sql(cloud: Cloud, text: str) -> None:
    """Run SQL as root.

    :raises PocketError: if the server refuses it.
    """
    socket = cloud.path("run", "mariadb.sock")
    result = subprocess.run(
        ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if result.returncode:
        raise PocketError(result.stderr.strip())


def _create(cloud: Cloud, databases: dict[str, str]) -> None:
    password = cloud.secrets["password_database"]
    lines = []
    for name, owner in databases.items():
        lines.append(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb3;")
        for host in ("127.0.0.1", "localhost"):
            user = f"'{owner}'@'{host}'"
            lines.append(f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY '{password}';")
            lines.append(f"GRANT ALL ON {name}.* TO {user};")
    sql(cloud, "\n".join(lines))


def _light_databases(cloud: Cloud) -> None:
    _create(cloud, LIGHT_DATABASES)


def _full_databases(cloud: Cloud) -> None:
    _create(cloud, FULL_DATABASES)


def _cookie(cloud: Cloud) -> None:
    """What Erlang's nodes know each other by; it refuses one that others can read."""
    cookie = cloud.path("data", "rabbitmq", ".erlang.cookie")
    template.write(cookie, cloud.secrets["erlang_cookie"], 0o400)


# RabbitMQ keeps what nobody reads, and here nobody has to: what it drops is in the database.
AUDIT_QUEUES = r"^ims_audit\."
AUDIT_POLICY = '{"max-length": 100000, "message-ttl": 604800000, "overflow": "drop-head"}'

# Nova's notifications, which nobody has to read here, and what of them waits for workers.
USAGE_QUEUES = r"^(notifications\.|ims_usage$$)"

_METADEFS = "--path ${checkout}/etc/ims_glance/metadefs"


def _glance(region: str) -> Step:
    conf = "${etc}/glance-" + region + "/glance-api.conf"
    return Step(
        f"glance-{region}-database",
        needs=("databases",),
        command=f"""
            glance-manage --config-file {conf} db_sync
            glance-manage --config-file {conf} db load_metadefs --merge --overwrite {_METADEFS}
        """,
        version="metadefs",
        is_patient=True,
    )


_MIGRATIONS = sorted(
    path.stem for path in (CHECKOUT / "ims_glance/db/migrations/versions").glob("[a-z]*.py")
)


def _ims(region: str) -> Step:
    etc = "${etc}/glance-" + region
    return Step(
        f"ims-{region}-database",
        needs=("databases",),
        command="ims-manage db sync",
        version=digest(repr(_MIGRATIONS)),
        is_patient=True,
        environment={"HOME": etc, "OS_GLANCE_CONFIG_DIR": etc},
    )


LIGHT = (
    Step(
        "mariadb-files",
        command="mariadb-install-db --no-defaults --auth-root-authentication-method=normal"
        " --skip-test-db --user=root --datadir=${data}/mariadb",
    ),
    Step(
        "databases",
        needs=("mariadb",),
        function=_light_databases,
        version=digest(repr(LIGHT_DATABASES)),
    ),
    Step(
        "keystone-database",
        needs=("databases",),
        command="keystone-manage --config-file ${etc}/keystone/keystone.conf db_sync",
    ),
    Step(
        "barbican-database",
        needs=("databases",),
        command="barbican-manage db upgrade",
        is_patient=True,
        environment={"HOME": "${etc}/barbican"},
    ),
    _glance("one"),
    _glance("two"),
    _ims("one"),
    _ims("two"),
)

FULL = (
    Step("rabbitmq-cookie", function=_cookie),
    Step(
        "audit-queue-policy",
        needs=("rabbitmq",),
        # With a tool of the same cookie, as the same node is known to epmd.
        command="PATH=/usr/lib/rabbitmq/bin:$$PATH exec rabbitmqctl --quiet --node pocket${port_amqp}@localhost"
        f" set_policy ims-audit '{AUDIT_QUEUES}' '{AUDIT_POLICY}' --apply-to queues",
        version=digest(AUDIT_QUEUES, AUDIT_POLICY),
        is_patient=True,
        environment={"HOME": "${data}/rabbitmq", "ERL_EPMD_PORT": "${port_epmd}"},
    ),
    Step(
        "usage-queue-policy",
        needs=("rabbitmq", "audit-queue-policy"),
        command="PATH=/usr/lib/rabbitmq/bin:$$PATH exec rabbitmqctl --quiet --node pocket${port_amqp}@localhost"
        f" set_policy ims-usage '{USAGE_QUEUES}' '{AUDIT_POLICY}' --apply-to queues",
        version=digest(USAGE_QUEUES, AUDIT_POLICY),
        is_patient=True,
        environment={"HOME": "${data}/rabbitmq", "ERL_EPMD_PORT": "${port_epmd}"},
    ),
    Step("more-databases", needs=("databases",), function=_full_databases),
)
