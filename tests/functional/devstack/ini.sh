#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# INI files, as DevStack's iniset, iniget, ini_has_option and inidelete edit them in place: comments
# and order stay. Some fifty options are set and asked for in each test, so it starts no process.

# The lines of a file, and the numbers of those that set an option.
_INI_LINES=()
_INI_AT=()

# ini_find file section option
function ini_find {
    local number line name inside=""
    _INI_AT=()
    mapfile -t _INI_LINES <"$1"
    for number in "${!_INI_LINES[@]}"; do
        line=${_INI_LINES[number]}
        if [[ "$line" == "["* ]]; then
            line=${line%"${line##*[![:space:]]}"}
            inside=""
            if [[ "$line" == "[$2]" ]]; then
                inside=yes
            fi
        elif [[ -n "$inside" && "$line" == *=* ]]; then
            name=${line%%=*}
            name=${name%"${name##*[! $'\t']}"}
            if [[ "$name" == "$3" ]]; then
                _INI_AT+=("$number")
            fi
        fi
    done
}

# ini_set file section option value: the value is replaced, or stands right below the section's head.
function ini_set {
    local number entry words IFS=$' \t\n'
    read -r -d "" -a words <<<"$4" || true
    entry="$3 = ${words[*]}"
    _INI_LINES=()
    _INI_AT=()
    if [[ -e "$1" ]]; then
        ini_find "$1" "$2" "$3"
    fi
    for number in "${_INI_AT[@]}"; do
        _INI_LINES[number]=$entry
    done
    if [[ ${#_INI_AT[@]} -eq 0 ]]; then
        for number in "${!_INI_LINES[@]}"; do
            if [[ "${_INI_LINES[number]}" == "[$2]" ]]; then
                _INI_LINES[number]+=$'\n'$entry
                break
            fi
        done
        if [[ "${_INI_LINES[*]}" != *$'\n'* ]]; then
            _INI_LINES+=("" "[$2]" "$entry")
        fi
    fi
    printf "%s\n" "${_INI_LINES[@]}" >"$1"
}

# ini_get file section option: prints the value, or an empty line.
function ini_get {
    local number value values=() IFS=$' \t\n'
    ini_find "$1" "$2" "$3" || return 1
    for number in "${_INI_AT[@]}"; do
        value=${_INI_LINES[number]#*=}
        value=${value#"${value%%[![:space:]]*}"}
        values+=("${value%"${value##*[![:space:]]}"}")
    done
    echo "${values[*]}"
}

# ini_has file section option
function ini_has {
    [[ -e "$1" ]] && ini_find "$1" "$2" "$3" && [[ ${#_INI_AT[@]} -gt 0 ]]
}

# ini_delete file section option: an empty section stays.
function ini_delete {
    local number
    ini_find "$1" "$2" "$3" || return 1
    for number in "${_INI_AT[@]}"; do
        unset "_INI_LINES[number]"
    done
    printf "%s" "${_INI_LINES[@]/%/$'\n'}" >"$1"
}
