#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What stack.sh, unstack.sh and clean.sh of DevStack do with a plugin, each in a shell of its own:
#
#   run.sh ROOT stack|unstack|clean
#
# ROOT stands for the root of the machine. ENABLED_SERVICES, GLANCE_DIR (any) and PLUGIN (the
# checkout) come from the environment; so does DEVSTACK_DIR, a checkout of DevStack, whose functions
# are then used instead of those beside this file.
# shellcheck disable=SC2034,SC2153

set -o errexit

ROOT=$1
MODE=$2

# As stackrc and the files in lib/ of DevStack set them.
DEST=$ROOT/opt/stack
DATA_DIR=$DEST/data
DEVSTACK_VENV=$DATA_DIR/venv
GLOBAL_VENV=True
USE_VENV=${USE_VENV:-False}
OFFLINE=False
REQUIREMENTS_DIR=$DEST/requirements
STACK_USER=$(id -un)
REGION_NAME=RegionOne
SERVICE_PASSWORD="s3cret&pass"
SERVICE_DOMAIN_NAME=Default
SERVICE_PROJECT_NAME=service
# Nobody listens there.
KEYSTONE_SERVICE_URI=http://127.0.0.1:9/identity
KEYSTONE_SERVICE_URI_V3=$KEYSTONE_SERVICE_URI/v3
SSL_BUNDLE_FILE=$DATA_DIR/ca-bundle.pem
GLANCE_BIN_DIR=$DEVSTACK_VENV/bin
GLANCE_CONF_DIR=$ROOT/etc/glance
GLANCE_API_CONF=$GLANCE_CONF_DIR/glance-api.conf
GLANCE_UWSGI_CONF=$GLANCE_CONF_DIR/glance-uwsgi.ini
GLANCE_IMAGE_DIR=$DATA_DIR/glance/images
GLANCE_MULTISTORE_FILE_IMAGE_DIR=$DATA_DIR/glance
NOVA_CONF=$ROOT/etc/nova/nova.conf
NOVA_CPU_CONF=$ROOT/etc/nova/nova-cpu.conf

if [[ -n "${DEVSTACK_DIR:-}" ]]; then
    TOP_DIR=$DEVSTACK_DIR
    FILES=$TOP_DIR/files
    PYTHON3_VERSION=3
    # stack.sh has its own, which writes to a log.
    function echo_summary {
        echo "$@"
    }
    declare -A GITREPO GITDIR GITBRANCH PROJECT_VENV
    # shellcheck source=/dev/null
    source "$DEVSTACK_DIR/functions"
    SYSTEMCTL=systemctl
    DATABASE_TYPE=mysql
    DATABASE_USER=root
    DATABASE_PASSWORD=secret
    MYSQL_HOST=127.0.0.1
    BASE_SQL_CONN=mysql+pymysql://root:secret@127.0.0.1
    # shellcheck source=/dev/null
    source "$DEVSTACK_DIR/lib/database"
    # What lies below run_process writes a unit for the systemd of the machine.
    function _run_under_systemd {
        systemctl start "devstack@$1.service" "$2"
    }
else
    set -o nounset
    # shellcheck source=tests/functional/devstack/functions.sh
    source "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
fi
PROJECT_VENV["glance"]=$DEST/glance.venv

DEVSTACK_PLUGINS=""
enable_plugin ims_glance "file://$PLUGIN" main
load_plugin_settings
if [[ "$MODE" != "stack" ]]; then
    run_plugins "$MODE"
    exit 0
fi
for phase in pre-install install post-config extra test-config; do
    run_plugins stack "$phase"
    # What the next plugin installs would go there too.
    if [[ -n "${PIP_VIRTUAL_ENV:-}" ]]; then
        echo "PIP_VIRTUAL_ENV leaks out of $phase" >&2
        exit 1
    fi
    echo "done: $phase"
done
