# SPDX-License-Identifier: Apache-2.0
"""Database and message queue."""

from pocket_cloud import probes
from pocket_cloud.service import Service

MARIADB = Service(
    name="mariadb",
    # Nothing here has to survive a power cut, so a commit need not wait for the disk.
    command="""
        mariadbd --no-defaults --user=root --bind-address=${host} --port=${port_mariadb}
        --datadir=${data}/mariadb --socket=${run}/mariadb.sock --pid-file=${run}/mariadb.pid
        --innodb-flush-log-at-trx-commit=0 --skip-log-bin --max-connections=1000
        --skip-name-resolve --character-set-server=utf8mb3
    """,
    probe=probes.command("mariadb-admin --no-defaults --socket=${run}/mariadb.sock ping"),
    needs=("mariadb-files",),
    ports=("mariadb",),
    grace=30.0,
    is_foundation=True,
)

# Its own name server for Erlang: the one that RabbitMQ would start listens everywhere, and stays.
EPMD = Service(
    name="epmd",
    command="epmd -address ${host} -port ${port_epmd}",
    probe=probes.tcp("epmd"),
    ports=("epmd",),
    is_foundation=True,
)

RABBITMQ = Service(
    name="rabbitmq",
    command="/usr/lib/rabbitmq/bin/rabbitmq-server",
    probe=probes.tcp("amqp"),
    needs=("epmd", "rabbitmq-cookie"),
    files={
        "rabbitmq/rabbitmq.conf": "rabbitmq.conf",
        "rabbitmq/advanced.config": "rabbitmq-advanced.config",
    },
    environment={
        "HOME": "${data}/rabbitmq",
        "RABBITMQ_NODENAME": "pocket${port_amqp}@localhost",
        "RABBITMQ_DIST_PORT": "${port_erlang}",
        "RABBITMQ_MNESIA_BASE": "${data}/rabbitmq/mnesia",
        "RABBITMQ_LOG_BASE": "${data}/rabbitmq/log",
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": "${etc}/rabbitmq/rabbitmq.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": "${etc}/rabbitmq/advanced.config",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": "${etc}/rabbitmq/enabled_plugins",
        "RABBITMQ_GENERATED_CONFIG_DIR": "${data}/rabbitmq/config",
        "RABBITMQ_PID_FILE": "${data}/rabbitmq/pid",
        # Only few schedulers, and those sleep rather than spin.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-start_epmd false +S 2:2 +sbwt none",
        "ERL_EPMD_ADDRESS": "${host}",
        "ERL_EPMD_PORT": "${port_epmd}",
    },
    ports=("amqp", "erlang"),
    grace=15.0,
    is_foundation=True,
)
