#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The functions of DevStack that devstack/plugin.sh calls, written again from their documented
# usage, so that the plugin can be run without DevStack. They do what DevStack's do as far as the
# plugin can tell: files are really edited, commands are really called (the test puts recording
# ones on PATH). test_devstack_plugin.py runs the same test over DevStack's own functions when it
# is given a checkout.

# shellcheck source=tests/functional/devstack/ini.sh
source "$(dirname "${BASH_SOURCE[0]}")/ini.sh"

# shellcheck disable=SC2034  # run.sh says where.
declare -A GITDIR PROJECT_VENV

# A command that neither the harness nor the PATH of the test has is a broken contract.
function command_not_found_handle {
    echo "not in the contract: $*" >&2
    kill -TERM $$
    return 127
}

# Whether a name in the comma separated list $1 is $2.
function _listed {
    [[ ",$1," == *",$2,"* ]]
}

# Functions that DevStack's stack.sh, unstack.sh and clean.sh call, and the plugin's settings.

function define_plugin {
    [[ -n "$1" ]]
}

function plugin_requires {
    [[ -n "$1" && -n "$2" ]]
}

function enable_plugin {
    DEVSTACK_PLUGINS+=${DEVSTACK_PLUGINS:+,}$1
    GITDIR[$1]=$DEST/$1
}

function load_plugin_settings {
    local plugin
    for plugin in ${DEVSTACK_PLUGINS//,/ }; do
        source "${GITDIR[$plugin]}/devstack/settings"
    done
}

function run_plugins {
    local plugin
    for plugin in ${DEVSTACK_PLUGINS//,/ }; do
        source "${GITDIR[$plugin]}/devstack/plugin.sh" "$1" ${2:+"$2"}
    done
}

# Functions that the plugin calls.

# is_service_enabled service [service ...]: true if any of them is.
function is_service_enabled {
    local service
    for service in "$@"; do
        _listed "$ENABLED_SERVICES" "$service" && return 0
    done
    return 1
}

# die $LINENO "message": ends the script, with the last command's exit code if it failed.
function die {
    # shellcheck disable=SC2319
    local code=$?
    echo "[ERROR] line $1 ${*:2}" >&2
    exit $((code ? code : 1))
}

# warn $LINENO "message": hands on the last command's exit code.
function warn {
    # shellcheck disable=SC2319
    local code=$?
    echo "[WARNING] line $1 $2"
    return "$code"
}

# echo_summary "message"
function echo_summary {
    echo "$@"
}

# iniset config-file section option value: makes the file and the section if need be.
function iniset {
    ini_set "$1" "$2" "$3" "$4"
}

# iniget config-file section option: prints the value, or an empty line.
function iniget {
    ini_get "$1" "$2" "$3"
}

# ini_has_option config-file section option
function ini_has_option {
    ini_has "$1" "$2" "$3"
}

# inidelete config-file section option
function inidelete {
    ini_delete "$1" "$2" "$3"
}

# setup_develop project_dir [extras]: pip install -e of a checkout where the services run.
function setup_develop {
    local venv=${PIP_VIRTUAL_ENV:-}
    "${venv:-$DEVSTACK_VENV}/bin/pip" install -c "$REQUIREMENTS_DIR/upper-constraints.txt" \
        -e "$1${2:+[$2]}"
}

# get_or_create_user <username> <password> <domain> [<email>]: prints the user's id.
function get_or_create_user {
    openstack --os-cloud devstack-system-admin user create "$1" --password "$2" "--domain=$3" \
        --or-show -f value -c id
}

# get_or_create_role <name>: prints the role's id.
function get_or_create_role {
    openstack --os-cloud devstack-system-admin role create "$1" --or-show -f value -c id
}

# get_or_create_project <name> <domain>: prints the project's id.
function get_or_create_project {
    openstack --os-cloud devstack-system-admin project create "$1" --domain="$2" --or-show \
        -f value -c id
}

# get_or_add_user_project_role <role> <user> <project> [<user domain> <project domain>]: prints the
# role's id.
function get_or_add_user_project_role {
    openstack --os-cloud devstack-system-admin role add "$1" --user "$2" --project "$3" \
        --user-domain "$4" --project-domain "$5"
}

# get_or_add_user_system_role <role> <user> <system> [<user domain>]: prints the role's id.
function get_or_add_user_system_role {
    openstack --os-cloud devstack-system-admin role add "$1" --user "$2" --system "$3" \
        "--user-domain=$4"
}

# enable_service service [service ...]
function enable_service {
    ENABLED_SERVICES+=${ENABLED_SERVICES:+,}$1
}

# run_process service "command-line": starts it, if the service is enabled.
function run_process {
    _listed "$ENABLED_SERVICES" "$1" && systemctl start "devstack@$1.service" "$2"
}

# stop_process service
function stop_process {
    systemctl stop "devstack@$1.service"
}

# recreate_database name: an empty one.
function recreate_database {
    mysql -e "DROP DATABASE IF EXISTS $1; CREATE DATABASE $1 CHARACTER SET utf8;"
}

# database_connection_url name: prints its address.
function database_connection_url {
    echo "mysql+pymysql://root:secret@127.0.0.1/$1?charset=utf8"
}
