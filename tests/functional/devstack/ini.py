# SPDX-License-Identifier: Apache-2.0
"""Edit INI files in place, as DevStack's iniset, iniget, ini_has_option and inidelete do.

Called as ``ini.py set|get|has|delete FILE SECTION OPTION [VALUE]``. Comments and order stay.

It is started some fifty times for each test, so it loads nothing that takes longer than its work.
"""

import os
import sys


def _option_lines(lines: list[str], section: str, option: str) -> list[int]:
    """Where *option* is set in *section*."""
    found, inside = [], False
    for number, line in enumerate(lines):
        if line.startswith("["):
            inside = line.strip() == f"[{section}]"
        elif inside and line.partition("=")[0].rstrip(" \t") == option and "=" in line:
            found.append(number)
    return found


def _read(path: str) -> list[str]:
    with open(path) as file:
        return file.read().splitlines()


def _write(path: str, lines: list[str]) -> None:
    with open(path, "w") as file:
        file.write("".join(f"{line}\n" for line in lines))


def set_option(path: str, section: str, option: str, value: str) -> int:
    """Replace the value, or put the option right below the section's head."""
    lines = _read(path) if os.path.exists(path) else []
    entry = f"{option} = {' '.join(value.split())}"
    at = _option_lines(lines, section, option)
    for number in at:
        lines[number] = entry
    if not at:
        if f"[{section}]" not in lines:
            lines += ["", f"[{section}]"]
        lines.insert(lines.index(f"[{section}]") + 1, entry)
    _write(path, lines)
    return 0


def get_option(path: str, section: str, option: str) -> int:
    """Print the value, or an empty line."""
    lines = _read(path)
    print(*(lines[n].partition("=")[2].strip() for n in _option_lines(lines, section, option)))
    return 0


def has_option(path: str, section: str, option: str) -> int:
    """0 if the option is set, 1 if not."""
    return 0 if os.path.exists(path) and _option_lines(_read(path), section, option) else 1


def delete_option(path: str, section: str, option: str) -> int:
    """Remove the option; an empty section stays."""
    lines = _read(path)
    gone = set(_option_lines(lines, section, option))
    _write(path, [line for n, line in enumerate(lines) if n not in gone])
    return 0


ACTIONS = {"get": get_option, "has": has_option, "delete": delete_option}

if __name__ == "__main__":
    verb, file, *arguments = sys.argv[1:]
    action = set_option if verb == "set" else ACTIONS[verb]
    sys.exit(action(file, *arguments))
