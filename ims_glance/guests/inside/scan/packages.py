# SPDX-License-Identifier: Apache-2.0
"""The packages of a system, with the sources that they were built of.

Advisories of Debian, Ubuntu and Alpine are about sources, whose versions may be others than those of their
packages (``linux-signed-amd64``). libguestfs does not tell them for dpkg, so the few lines of its table that are
needed are asked for; those of an RPM database it reads itself.
"""

import json
import re
from collections.abc import Iterator

from ims_glance.guests.inside.scan.places import UNREADABLE, Places
from ims_glance.model.guest.found import Guest
from ims_glance.model.market.scan.report import MOST_PACKAGES, GuestPackage
from ims_glance.model.text.printable import printable

_MOST_SAID = 640 << 10
_WORD = 96
_DPKG, _APK = "/var/lib/dpkg/status", "/lib/apk/db/installed"
# Basic expressions of grep(1), as the appliance has it.
_OF_DPKG = r"^\(Package\|Status\|Version\|Source\):"
_OF_APK = r"^[PVo]:"
_SOURCE = re.compile(r"([^\s()]+)(?:\s+\(([^\s()]+)\))?")
_SOURCE_RPM = re.compile(r"(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm")


def installed(places: Places, guest: Guest) -> list[GuestPackage]:
    """Those of a system; of one without a package manager that is known, none."""
    readers = {"deb": _of_dpkg, "apk": _of_apk, "rpm": _of_rpm}
    reader = readers.get(guest.package_format or "")
    if reader is None:
        places.lacks.append("The packages of this system could not be listed.")
        return []
    found: list[GuestPackage] = []
    said = 0
    try:
        for package in reader(places, guest):
            said += len(json.dumps(package.to_arguments())) + 2
            if said > _MOST_SAID or len(found) == MOST_PACKAGES:
                places.lacks.append(f"Only {len(found)} packages were listed.")
                break
            found.append(package)
    except UNREADABLE:
        places.lacks.append("The table of packages could not be read.")
    return found


def _of_dpkg(places: Places, _guest: Guest) -> Iterator[GuestPackage]:
    for fields in _stanzas(places.g.grep(_OF_DPKG, _DPKG), "Package"):
        version = fields.get("Version", "")
        # "deinstall ok config-files" has its configuration there, and nothing else.
        if not version or not fields.get("Status", "").endswith(" installed"):
            continue
        source = _SOURCE.match(fields.get("Source", ""))
        name, of_source = (source[1], source[2]) if source else (fields["Package"], None)
        yield _package(fields["Package"], version, name, of_source or version)


def _of_apk(places: Places, _guest: Guest) -> Iterator[GuestPackage]:
    for fields in _stanzas(places.g.grep(_OF_APK, _APK), "P"):
        if version := fields.get("V", ""):
            yield _package(fields["P"], version, fields.get("o") or fields["P"], version)


def _of_rpm(places: Places, guest: Guest) -> Iterator[GuestPackage]:
    for each in places.g.inspect_list_applications2(guest.root or ""):
        epoch = f"{each['app2_epoch']}:" if each["app2_epoch"] else ""
        version = f"{epoch}{each['app2_version']}-{each['app2_release']}"
        built_of = _SOURCE_RPM.fullmatch(each.get("app2_source_package") or "")
        if built_of is None:
            yield _package(each["app2_name"], version)
        else:
            # Of its epoch nothing is said: it is that of its packages, nearly always.
            of_source = f"{epoch}{built_of[2]}-{built_of[3]}"
            yield _package(each["app2_name"], version, built_of[1], of_source)


def _package(name: str, version: str, source: str = "", of_source: str = "") -> GuestPackage:
    words = [printable(each, _WORD) for each in (name, version, source, of_source)]
    if words[2:] == words[:2]:
        words = words[:2]
    return GuestPackage(*words)


def _stanzas(lines: list[str], first: str) -> Iterator[dict[str, str]]:
    """Fields of a table by their names, of which *first* begins each stanza."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name == first and fields:
            yield fields
            fields = {}
        if name == first or fields:
            fields[name] = value.strip()
    if fields:
        yield fields
