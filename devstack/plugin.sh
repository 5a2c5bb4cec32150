#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The DevStack plugin: puts ims_glance into the Glance (and one line into the Nova) that DevStack
# installs. It uses the files of etc/ims_glance unchanged; what differs on this machine goes into a
# second file beside them.
#
# Called as "source plugin.sh <mode> [phase]", see doc/source/plugins.rst of DevStack:
#
#   stack pre-install   check that what we need is enabled
#   stack install       install the Python package where Glance runs
#   stack post-config   write configuration; Keystone runs, Glance and Nova start after this
#   stack extra         start ims-worker; Glance was started with our configuration
#   stack test-config   ask ims-manage whether it all fits; only now does every plugin's service run
#   unstack             stop ims-worker, take our configuration away again
#   clean               and the ciphertext
#
# The variables in capitals come from ./settings and from DevStack.
# shellcheck disable=SC2154

# What Nova does not inherit when the option is not set (nova/conf/compute.py).
_IMS_GLANCE_NOVA_DEFAULT="cache_in_nova,bittorrent"

# Stores for staging and tasks that Glance adds to its enabled_backends.
_IMS_GLANCE_RESERVED_STORES="os_glance_staging_store os_glance_tasks_store"

# check_ims_glance_services() - Stop early, and say what is missing in local.conf
function check_ims_glance_services {
    is_service_enabled barbican || die $LINENO "ims_glance needs a key manager. Put this before" \
        "ims_glance in local.conf: enable_plugin barbican https://opendev.org/openstack/barbican"
    case $IMS_GLANCE_INNER_DRIVER in
        file | rbd | swift | s3) ;;
        *) die $LINENO "IMS_GLANCE_INNER_DRIVER is '$IMS_GLANCE_INNER_DRIVER': not file, rbd, swift or s3" ;;
    esac
}

# install_ims_glance() - Install the package into the Python environment of Glance
function install_ims_glance {
    # The extras of the other drivers bring the service, too.
    local extras=service before
    case $IMS_GLANCE_INNER_DRIVER in
        swift | s3) extras=$IMS_GLANCE_INNER_DRIVER ;;
    esac
    # With USE_VENV every service has an environment of its own, and pip_install takes it from here.
    local -x PIP_VIRTUAL_ENV=${PIP_VIRTUAL_ENV:-}
    if [[ "$USE_VENV" == "True" ]]; then
        PIP_VIRTUAL_ENV=${PROJECT_VENV["glance"]:-}
    fi
    before=$(_ims_glance_glance_version)
    setup_develop "$IMS_GLANCE_DIR" "$extras"
    # pip replaces a Glance that does not meet our requirements, and says nothing.
    [[ -z "$before" || "$(_ims_glance_glance_version)" == "$before" ]] ||
        die $LINENO "This ims_glance is not for Glance $before: pip has replaced it by" \
            "$(_ims_glance_glance_version). Set GLANCE_BRANCH, or take another branch of" \
            "ims_glance, so that they fit; then unstack.sh and stack.sh"
}

# _ims_glance_glance_version() - Print the version of the Glance that is installed, if it is
function _ims_glance_glance_version {
    local python=$GLANCE_BIN_DIR/python3
    [[ -x "$python" ]] || python=python3
    "$python" -c 'from importlib import metadata; print(metadata.version("glance"))' 2>/dev/null ||
        true
}

# configure_ims_glance() - Write what Glance reads
function configure_ims_glance {
    install -d -m 0755 "$(dirname "$IMS_GLANCE_CONF")"
    install -m 0644 "$IMS_GLANCE_DIR/etc/ims_glance/ims-glance-paste.ini" "$IMS_GLANCE_PASTE_INI"
    install -m 0644 "$IMS_GLANCE_DIR/etc/ims_glance/property-protections.conf" \
        "$IMS_GLANCE_PROPERTY_PROTECTIONS"
    install -m 0644 "$IMS_GLANCE_DIR/etc/ims_glance/ims-glance.conf" "$IMS_GLANCE_CONF"
    local secret=$IMS_GLANCE_SIGNING_SECRET
    if [[ -z "$secret" && -f "$IMS_GLANCE_SITE_CONF" ]]; then
        # That of the last time: it may have signed something.
        secret=$(iniget "$IMS_GLANCE_SITE_CONF" ims_backups signing_secrets)
    fi
    # Empty, and nobody else's to read before the password is in it.
    install -m 0600 /dev/null "$IMS_GLANCE_SITE_CONF"
    iniset "$IMS_GLANCE_SITE_CONF" DEFAULT property_protection_file \
        "$IMS_GLANCE_PROPERTY_PROTECTIONS"
    iniset "$IMS_GLANCE_SITE_CONF" paste_deploy config_file "$IMS_GLANCE_PASTE_INI"
    iniset "$IMS_GLANCE_SITE_CONF" ims_backups signing_secrets "${secret:-$(openssl rand -hex 32)}"
    iniset "$GLANCE_UWSGI_CONF" uwsgi threads "$IMS_GLANCE_API_THREADS"
    _configure_ims_glance_stores
    _configure_ims_glance_keys
}

# _configure_ims_glance_stores() - Our store beside those that DevStack has configured
function _configure_ims_glance_stores {
    local stores
    stores=$(iniget "$GLANCE_API_CONF" DEFAULT enabled_backends)
    if [[ -n "$stores" ]]; then
        iniset "$IMS_GLANCE_SITE_CONF" DEFAULT enabled_backends "$stores,kms:ims-kms"
        iniset "$IMS_GLANCE_SITE_CONF" glance_store default_backend \
            "$(iniget "$GLANCE_API_CONF" glance_store default_backend)"
    else
        local replaced
        replaced=$(iniget "$GLANCE_API_CONF" glance_store default_store)
        if [[ -n "$replaced" && "$replaced" != "file" ]]; then
            warn $LINENO "Images without a key will lie in $GLANCE_IMAGE_DIR, not in $replaced"
        fi
        iniset "$IMS_GLANCE_SITE_CONF" plain filesystem_store_datadir "$GLANCE_IMAGE_DIR/"
    fi
    _configure_ims_glance_directories
    iniset "$IMS_GLANCE_SITE_CONF" kms ims_kms_inner_driver "$IMS_GLANCE_INNER_DRIVER"
    if [[ "$IMS_GLANCE_INNER_DRIVER" == "file" ]]; then
        iniset "$IMS_GLANCE_SITE_CONF" kms_inner filesystem_store_datadir "$IMS_GLANCE_INNER_DIR"
    fi
}

# _ims_glance_directories() - Print the stores of file $1 that need a directory, each with the one for it
#
# With GLANCE_MULTIPLE_FILE_STORES lib/glance of DevStack loses the stores' directories (it reads the
# list from a name in small letters), without it those of Glance's own two: Glance's default is below
# /var/lib, where it may not write.
function _ims_glance_directories {
    local stores store
    stores=$(iniget "$1" DEFAULT enabled_backends)
    if [[ -z "$stores" ]]; then
        for store in $_IMS_GLANCE_RESERVED_STORES; do
            echo "$store $DATA_DIR/glance/$store/"
        done
    fi
    for store in ${stores//,/ }; do
        if [[ "$store" == *:file ]]; then
            echo "${store%:file} $GLANCE_MULTISTORE_FILE_IMAGE_DIR/${store%:file}/"
        fi
    done
}

# _configure_ims_glance_directories() - Directories that Glance may write to, where there are none
#
# They go into glance-api.conf and not into our file, which would override the operator's
# (local.conf is merged into glance-api.conf after us) and those that the second API service of
# DevStack (g-api-r) has in a glance-api.conf of its own.
function _configure_ims_glance_directories {
    local store directory
    while read -r store directory; do
        if ! ini_has_option "$GLANCE_API_CONF" "$store" filesystem_store_datadir; then
            iniset "$GLANCE_API_CONF" "$store" filesystem_store_datadir "$directory"
        fi
    done < <(_ims_glance_directories "$GLANCE_API_CONF")
}

# _unconfigure_ims_glance_directories() - The reverse, in file $1; and no sections that only they had made
function _unconfigure_ims_glance_directories {
    local store directory
    while read -r store directory; do
        if [[ "$(iniget "$1" "$store" filesystem_store_datadir)" == "$directory" ]]; then
            inidelete "$1" "$store" filesystem_store_datadir
            # No function of DevStack removes a section; iniset put an empty line before it.
            sed -i -z -E "s/\n+\[$store\]\s*(\n\[|\$)/\n\1/" "$1"
        fi
    done < <(_ims_glance_directories "$1")
}

# _configure_ims_glance_keys() - How Glance reads keys, and as whom
function _configure_ims_glance_keys {
    local user_id
    user_id=$(get_or_create_user glance "$SERVICE_PASSWORD" "$SERVICE_DOMAIN_NAME")
    iniset "$IMS_GLANCE_SITE_CONF" ims_kms service_user_id "$user_id"
    if [[ -n "$IMS_GLANCE_COORDINATION_URL" ]]; then
        iniset "$IMS_GLANCE_SITE_CONF" ims_kms coordination_url "$IMS_GLANCE_COORDINATION_URL"
    fi
    iniset "$IMS_GLANCE_SITE_CONF" key_manager auth_url "$KEYSTONE_SERVICE_URI_V3"
    iniset "$IMS_GLANCE_SITE_CONF" key_manager username glance
    iniset "$IMS_GLANCE_SITE_CONF" key_manager password "$SERVICE_PASSWORD"
    iniset "$IMS_GLANCE_SITE_CONF" key_manager user_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" key_manager project_name "$SERVICE_PROJECT_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" key_manager project_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" barbican auth_endpoint "$KEYSTONE_SERVICE_URI_V3"
    iniset "$IMS_GLANCE_SITE_CONF" barbican barbican_region_name "$REGION_NAME"
    if is_service_enabled tls-proxy; then
        iniset "$IMS_GLANCE_SITE_CONF" barbican verify_ssl_path "$SSL_BUNDLE_FILE"
    fi
}

# configure_ims_glance_jobs() - Where jobs are kept, and whom callers delegate them to
function configure_ims_glance_jobs {
    local role
    get_or_create_user ims "$SERVICE_PASSWORD" "$SERVICE_DOMAIN_NAME" >/dev/null
    get_or_create_role ims_service >/dev/null
    for role in service ims_service; do
        get_or_add_user_project_role "$role" ims "$SERVICE_PROJECT_NAME" \
            "$SERVICE_DOMAIN_NAME" "$SERVICE_DOMAIN_NAME" >/dev/null
    done
    iniset "$IMS_GLANCE_SITE_CONF" ims_database connection "$(database_connection_url ims)"
    iniset "$IMS_GLANCE_SITE_CONF" ims_service auth_url "$KEYSTONE_SERVICE_URI_V3"
    iniset "$IMS_GLANCE_SITE_CONF" ims_service password "$SERVICE_PASSWORD"
    iniset "$IMS_GLANCE_SITE_CONF" ims_service user_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" ims_service project_name "$SERVICE_PROJECT_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" ims_service project_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" ims_service region_name "$REGION_NAME"
    if is_service_enabled tls-proxy; then
        iniset "$IMS_GLANCE_SITE_CONF" ims_service cafile "$SSL_BUNDLE_FILE"
    fi
}

# configure_ims_glance_signature() - Access keys (EC2 credentials of Keystone), and as whom they are looked up
function configure_ims_glance_signature {
    local role
    get_or_create_user ims_signature "$SERVICE_PASSWORD" "$SERVICE_DOMAIN_NAME" >/dev/null
    for role in reader service; do
        get_or_add_user_system_role "$role" ims_signature all "$SERVICE_DOMAIN_NAME" >/dev/null
    done
    iniset "$IMS_GLANCE_SITE_CONF" ims_signature enabled True
    iniset "$IMS_GLANCE_SITE_CONF" ims_signature auth_url "$KEYSTONE_SERVICE_URI_V3"
    iniset "$IMS_GLANCE_SITE_CONF" ims_signature username ims_signature
    iniset "$IMS_GLANCE_SITE_CONF" ims_signature password "$SERVICE_PASSWORD"
    iniset "$IMS_GLANCE_SITE_CONF" ims_signature user_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" ims_signature system_scope all
    if is_service_enabled tls-proxy; then
        iniset "$IMS_GLANCE_SITE_CONF" ims_signature cafile "$SSL_BUNDLE_FILE"
    fi
}

# configure_ims_glance_market() - Who sells, who reviews, whose the copies are, and who reads all servers for the bills
function configure_ims_glance_market {
    [[ "$IMS_GLANCE_MARKET" == "True" ]] || return 0
    local role
    for role in ims_seller ims_market_reviewer; do
        get_or_create_role "$role" >/dev/null
    done
    get_or_create_project "$IMS_GLANCE_MARKET_PROJECT" "$SERVICE_DOMAIN_NAME" >/dev/null
    get_or_add_user_project_role member ims "$IMS_GLANCE_MARKET_PROJECT" \
        "$SERVICE_DOMAIN_NAME" "$SERVICE_DOMAIN_NAME" >/dev/null
    iniset "$IMS_GLANCE_SITE_CONF" ims_market enabled True
    iniset "$IMS_GLANCE_SITE_CONF" ims_market project "$IMS_GLANCE_MARKET_PROJECT"
    is_service_enabled n-api || return 0
    get_or_create_user ims_usage "$SERVICE_PASSWORD" "$SERVICE_DOMAIN_NAME" >/dev/null
    get_or_add_user_project_role admin ims_usage "$SERVICE_PROJECT_NAME" \
        "$SERVICE_DOMAIN_NAME" "$SERVICE_DOMAIN_NAME" >/dev/null
    iniset "$IMS_GLANCE_SITE_CONF" ims_usage enabled True
    iniset "$IMS_GLANCE_SITE_CONF" ims_usage auth_url "$KEYSTONE_SERVICE_URI_V3"
    iniset "$IMS_GLANCE_SITE_CONF" ims_usage username ims_usage
    iniset "$IMS_GLANCE_SITE_CONF" ims_usage password "$SERVICE_PASSWORD"
    iniset "$IMS_GLANCE_SITE_CONF" ims_usage user_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" ims_usage project_name "$SERVICE_PROJECT_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" ims_usage project_domain_name "$SERVICE_DOMAIN_NAME"
    iniset "$IMS_GLANCE_SITE_CONF" ims_usage notification_topics "$IMS_GLANCE_NOVA_TOPICS"
    if is_service_enabled tls-proxy; then
        iniset "$IMS_GLANCE_SITE_CONF" ims_usage cafile "$SSL_BUNDLE_FILE"
    fi
}

# configure_ims_glance_audit() - A bound for the queue of audit events, which nobody may be reading
function configure_ims_glance_audit {
    if is_service_enabled rabbit && [[ -n "$IMS_GLANCE_AUDIT_POLICY" ]]; then
        sudo rabbitmqctl set_policy ims-audit '^ims_audit\.' "$IMS_GLANCE_AUDIT_POLICY" \
            --apply-to queues
        sudo rabbitmqctl set_policy ims-usage '^ims_usage$' "$IMS_GLANCE_AUDIT_POLICY" \
            --apply-to queues
    fi
}

# unconfigure_ims_glance_audit() - The reverse; RabbitMQ itself stays as it is
function unconfigure_ims_glance_audit {
    if is_service_enabled rabbit; then
        sudo rabbitmqctl clear_policy ims-audit || true
        sudo rabbitmqctl clear_policy ims-usage || true
    fi
}

# start_ims_worker() - Run jobs, with the configuration of Glance
function start_ims_worker {
    run_process ims-worker "$GLANCE_BIN_DIR/ims-worker --config-file=$GLANCE_API_CONF \
--config-dir=$(dirname "$IMS_GLANCE_CONF")"
}

# init_ims_glance() - An empty store, since DevStack has made an empty database for Glance
#
# That is why nothing takes the definitions of our properties away again: the next stack.sh makes
# that database anew, and glance-manage can only unload the definitions of everybody.
function init_ims_glance {
    if [[ "$IMS_GLANCE_INNER_DRIVER" == "file" ]]; then
        sudo install -d -m 0750 -o "$STACK_USER" "$IMS_GLANCE_INNER_DIR"
        _delete_ims_glance_ciphertext
    fi
    "$GLANCE_BIN_DIR/glance-manage" --config-file "$GLANCE_API_CONF" db load_metadefs \
        --merge --overwrite --path "$IMS_GLANCE_DIR/etc/ims_glance/metadefs"
    recreate_database ims
    "$GLANCE_BIN_DIR/ims-manage" --config-file "$GLANCE_API_CONF" \
        --config-dir "$(dirname "$IMS_GLANCE_CONF")" db sync
}

# _ims_glance_inherited() - Print the comma separated list $1 without our properties
function _ims_glance_inherited {
    local property kept=""
    for property in ${1//,/ }; do
        if [[ ",$IMS_GLANCE_NOT_INHERITED," != *",$property,"* ]]; then
            kept+="${kept:+,}$property"
        fi
    done
    echo "$kept"
}

# configure_ims_glance_nova() - Keep an image's key out of the snapshots of its servers
function configure_ims_glance_nova {
    local others=$_IMS_GLANCE_NOVA_DEFAULT
    if ini_has_option "$NOVA_CONF" DEFAULT non_inheritable_image_properties; then
        others=$(iniget "$NOVA_CONF" DEFAULT non_inheritable_image_properties)
        others=$(_ims_glance_inherited "$others")
    fi
    iniset "$NOVA_CONF" DEFAULT non_inheritable_image_properties \
        "${others:+$others,}$IMS_GLANCE_NOT_INHERITED"
}

# unconfigure_ims_glance_nova() - The reverse, in the copy of nova.conf, too, that lib/nova makes for n-cpu
function unconfigure_ims_glance_nova {
    local conf others
    for conf in "$NOVA_CONF" "$NOVA_CPU_CONF"; do
        [[ -f "$conf" ]] || continue
        others=$(iniget "$conf" DEFAULT non_inheritable_image_properties)
        others=$(_ims_glance_inherited "$others")
        if [[ -z "$others" || "$others" == "$_IMS_GLANCE_NOVA_DEFAULT" ]]; then
            inidelete "$conf" DEFAULT non_inheritable_image_properties
        else
            iniset "$conf" DEFAULT non_inheritable_image_properties "$others"
        fi
    done
}

# check_ims_glance() - Does the Glance that is running now fit its key manager?
function check_ims_glance {
    OS_GLANCE_CONFIG_DIR=$GLANCE_CONF_DIR "$GLANCE_BIN_DIR/ims-manage" status ||
        die $LINENO "ims_glance is installed but does not work: see the lines with FAILURE above"
}

# unconfigure_ims_glance() - Leave Glance's configuration as DevStack made it
#
# Of all of it lib/glance makes a copy for a second API service (g-api-r), passwords and all, which
# neither unstack.sh nor clean.sh removes.
function unconfigure_ims_glance {
    _unconfigure_ims_glance_in "$GLANCE_CONF_DIR"
    _unconfigure_ims_glance_in "$(dirname "$GLANCE_CONF_DIR")/glance-remote"
}

# _unconfigure_ims_glance_in() - Take what is ours out of the configuration of Glance in folder $1
function _unconfigure_ims_glance_in {
    local file
    for file in "$IMS_GLANCE_PASTE_INI" "$IMS_GLANCE_PROPERTY_PROTECTIONS" "$IMS_GLANCE_CONF" \
        "$IMS_GLANCE_SITE_CONF"; do
        rm -f "$1${file#"$GLANCE_CONF_DIR"}"
    done
    # There may be other people's files in it.
    file=$(dirname "$IMS_GLANCE_CONF")
    rmdir "$1${file#"$GLANCE_CONF_DIR"}" 2>/dev/null || true
    file=$1${GLANCE_UWSGI_CONF#"$GLANCE_CONF_DIR"}
    if [[ -f "$file" ]]; then
        inidelete "$file" uwsgi threads
    fi
    file=$1${GLANCE_API_CONF#"$GLANCE_CONF_DIR"}
    if [[ -f "$file" ]]; then
        _unconfigure_ims_glance_directories "$file"
    fi
}

# cleanup_ims_glance() - Remove the ciphertext; DevStack removes all of DATA_DIR, and not other folders
function cleanup_ims_glance {
    [[ -d "$IMS_GLANCE_INNER_DIR" ]] || return 0
    _delete_ims_glance_ciphertext
    # It may be a disk of its own, or hold what is not ours.
    sudo rmdir "$IMS_GLANCE_INNER_DIR" 2>/dev/null || true
}

# _delete_ims_glance_ciphertext() - Delete our objects, and nothing else that somebody has there
function _delete_ims_glance_ciphertext {
    sudo find "$IMS_GLANCE_INNER_DIR/" -maxdepth 1 -type f -name "ims-*" -delete
}

# install_ims_console() - Install the console where Horizon is, which DevStack has installed from its own checkout
function install_ims_console {
    local -x PIP_VIRTUAL_ENV=${PIP_VIRTUAL_ENV:-}
    if [[ "$USE_VENV" == "True" ]]; then
        PIP_VIRTUAL_ENV=${PROJECT_VENV["horizon"]:-}
    fi
    setup_develop "$IMS_GLANCE_DIR"
}

# configure_ims_console() - Have Horizon read our settings after its own
function configure_ims_console {
    install -d "$(dirname "$IMS_CONSOLE_SETTINGS")"
    printf '%s\n' "from ims_glance.dashboard import settings as ims_settings" "" \
        "ims_settings.extend(globals())" >"$IMS_CONSOLE_SETTINGS"
}

# A host without Glance (a compute node) needs nothing of ours, one with Nova's API that one line.
if is_service_enabled g-api; then
    case "$1 ${2:-}" in
        "stack pre-install")
            check_ims_glance_services
            ;;
        "stack install")
            echo_summary "Installing ims_glance"
            install_ims_glance
            ;;
        "stack post-config")
            echo_summary "Configuring ims_glance"
            configure_ims_glance
            configure_ims_glance_jobs
            configure_ims_glance_signature
            configure_ims_glance_market
            configure_ims_glance_audit
            init_ims_glance
            ;;
        "stack extra")
            start_ims_worker
            ;;
        "stack test-config")
            echo_summary "Checking ims_glance"
            check_ims_glance
            ;;
        "unstack ")
            stop_process ims-worker
            unconfigure_ims_glance_audit
            unconfigure_ims_glance
            ;;
        "clean ")
            unconfigure_ims_glance
            cleanup_ims_glance
            ;;
    esac
fi

if is_service_enabled n-api; then
    case "$1 ${2:-}" in
        "stack post-config")
            configure_ims_glance_nova
            ;;
        "unstack "* | "clean ")
            unconfigure_ims_glance_nova
            ;;
    esac
fi

if is_service_enabled horizon; then
    case "$1 ${2:-}" in
        "stack install")
            install_ims_console
            ;;
        "stack post-config")
            configure_ims_console
            ;;
        "unstack " | "clean ")
            rm -f "$IMS_CONSOLE_SETTINGS"
            ;;
    esac
fi
