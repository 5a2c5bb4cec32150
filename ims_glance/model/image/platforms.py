# SPDX-License-Identifier: Apache-2.0
"""The operating systems that IMS knows, and what follows from a version.

The table is IMS's own ("Values of related parameters" of its API reference, and what
``GET /v1/cloudimages/os_version`` answers). Its unit is a *family*: a platform, the versions of it,
and where they run.
"""

import dataclasses
import re
from typing import Any

LINUX = "Linux"
WINDOWS = "Windows"
OTHER = "Other"


@dataclasses.dataclass(frozen=True)
class OperatingSystem:
    """A version of an operating system.

    :ivar os_version: its name in IMS, for example ``CentOS 7.3 64bit``
    :ivar os_type: ``Linux``, ``Windows`` or ``Other``
    :ivar platform: ``CentOS``, ...
    :ivar os_bit: 32 or 64
    :ivar tags: where it runs: ``bms``, ``uefi``, ``arm``, ``x86``
    """

    os_version: str
    os_type: str
    platform: str
    os_bit: int
    tags: frozenset[str] = frozenset({"x86"})


def _bits(name: str) -> int:
    return 32 if re.search(r"32 ?bit", name) else 64


def _family(
    platform: str, names: str, os_type: str = LINUX, tags: str = "x86"
) -> tuple[OperatingSystem, ...]:
    """The versions of a platform; *names* are separated by semicolons."""
    return tuple(
        OperatingSystem(name, os_type, platform, _bits(name), frozenset(tags.split()))
        for name in (part.strip() for part in names.split(";"))
    )


OTHER_LINUX = OperatingSystem("Other Linux(64 bit)", LINUX, OTHER, 64, frozenset({"x86", "arm"}))

TABLE: tuple[OperatingSystem, ...] = (
    *_family(
        WINDOWS,
        "Windows 10 64bit; Windows Server 2019 Standard 64bit; Windows Server 2019 Datacenter 64bit;"
        "Windows Server 2016 Standard 64bit; Windows Server 2016 Datacenter 64bit;"
        "Windows Server 2012 R2 Standard 64bit; Windows Server 2012 R2 Datacenter 64bit;"
        "Windows Server 2012 R2 Essentials 64bit; Windows Server 2012 Standard 64bit;"
        "Windows Server 2012 Datacenter 64bit; Windows Server 2012 Essentials R2 64bit;"
        "Windows Server 2008 R2 Standard 64bit; Windows Server 2008 R2 Datacenter 64bit;"
        "Windows Server 2008 R2 Enterprise 64bit; Windows Server 2008 R2 WEB 64bit;"
        "Windows Server 2008 WEB R2 64bit; Windows Server 2008 Enterprise SP2 64bit;"
        "Windows 7 Enterprise 64bit; Windows 7 Professional 64bit; Windows 7 Professional 32bit",
        WINDOWS,
    ),
    *_family(WINDOWS, "Windows Server 2022 Datacenter 64bit", WINDOWS, "x86 uefi bms"),
    *_family(
        "Ubuntu",
        "Ubuntu 14.04 server 64bit; Ubuntu 14.04.1 server 64bit; Ubuntu 14.04.3 server 64bit;"
        "Ubuntu 14.04.4 server 64bit; Ubuntu 14.04.5 server 64bit; Ubuntu 14.04 server 32bit;"
        "Ubuntu 14.04.1 server 32bit; Ubuntu 14.04.3 server 32bit; Ubuntu 14.04.4 server 32bit;"
        "Ubuntu 16.04.2 Server 64bit; Ubuntu 16.04.3 Server 64bit; Ubuntu 19.04 server 64bit",
    ),
    *_family(
        "Ubuntu",
        "Ubuntu 16.04 server 64bit; Ubuntu 18.04 server 64bit; Ubuntu 20.04 server 64bit;"
        "Ubuntu 22.04 server 64bit; Ubuntu 24.04 server 64bit",
        tags="x86 arm uefi bms",
    ),
    *_family(
        "RedHat",
        "Redhat Linux Enterprise 5.9 64bit; Redhat Linux Enterprise 6.4 32bit;"
        "Redhat Linux Enterprise 6.4 64bit; Redhat Linux Enterprise 6.9 64bit;"
        "Redhat Linux Enterprise 7.0 64bit; Redhat Linux Enterprise 7.1 64bit;"
        "Redhat Linux Enterprise 7.2 64bit; Redhat Linux Enterprise 7.3 64bit;"
        "Redhat Linux Enterprise 7.4 64bit; Redhat Linux Enterprise 8.0 64bit;"
        "Red Hat Linux Enterprise 6.4 32bit; Red Hat Linux Enterprise 6.4 64bit;"
        "Red Hat Linux Enterprise 6.5 64bit; Red Hat Linux Enterprise 6.6 32bit;"
        "Red Hat Linux Enterprise 6.6 64bit; Red Hat Linux Enterprise 6.7 64bit;"
        "Red Hat Linux Enterprise 6.8 64bit; Red Hat Linux Enterprise 6.9 64bit;"
        "Red Hat Linux Enterprise 6.10 64bit; Red Hat Linux Enterprise 7.0 64bit;"
        "Red Hat Linux Enterprise 7.1 64bit; Red Hat Linux Enterprise 7.2 64bit;"
        "Red Hat Linux Enterprise 7.3 64bit; Red Hat Linux Enterprise 7.4 64bit;"
        "Red Hat Linux Enterprise 7.5 64bit; Red Hat 7.6 64bit;"
        "Red Hat Linux Enterprise 8.0 64bit",
    ),
    *_family(
        "SUSE",
        "SUSE Enterprise 11 SP3 32bit; SUSE Enterprise 11 SP3 64bit; SUSE Enterprise 11 SP4 64bit;"
        "SUSE Enterprise 12 SP1 64bit; SUSE Enterprise 12 SP2 64bit; SUSE Enterprise 12 SP3 64bit;"
        "SUSE Enterprise 12 SP4 64bit; SUSE Enterprise 15 64bit;"
        "SUSE Linux Enterprise Server 11 SP1 64bit; SUSE Linux Enterprise Server 11 SP3 32bit;"
        "SUSE Linux Enterprise Server 11 SP3 64bit; SUSE Linux Enterprise Server 11 SP4 64bit;"
        "SUSE Linux Enterprise Server 12 64bit; SUSE Linux Enterprise Server 12 SP1 64bit;"
        "SUSE Linux Enterprise Server 12 SP2 64bit; SUSE Linux Enterprise Server 12 SP3 64bit;"
        "SUSE Linux Enterprise Server 12 SP4 64bit; SUSE Linux Enterprise Server 12 SP5 64bit;"
        "SUSE Linux Enterprise Server 15 64bit; SUSE Linux Enterprise Server 15 SP1 64bit",
    ),
    *_family(
        "CentOS",
        "CentOS 6.3 32bit; CentOS 6.3 64bit; CentOS 6.4 64bit; CentOS 6.5 32bit; CentOS 6.5 64bit;"
        "CentOS 6.6 64bit; CentOS 6.7 64bit; CentOS 6.8 64bit; CentOS 6.9 64bit; CentOS 6.10 64bit;"
        "CentOS 7.0 64bit; CentOS 7.1 64bit; CentOS 7.2 64bit; CentOS 7.3 64bit; CentOS 7.4 64bit;"
        "CentOS 7.5 64bit; CentOS 7.7 64bit; CentOS 6.4 32bit; CentOS 6.6 32bit; CentOS 6.7 32bit;"
        "CentOS 6.9 32bit; CentOS 6.10 32bit; CentOS 7.0 32bit",
    ),
    *_family(
        "CentOS",
        "CentOS 7.6 64bit; CentOS 8.0 64bit; CentOS 8.2 64bit",
        tags="x86 arm uefi bms",
    ),
    *_family(
        "Debian",
        "Debian GNU/Linux 7.5.0 64bit; Debian GNU/Linux 8.2.0 64bit; Debian GNU/Linux 8.8.0 64bit;"
        "Debian GNU/Linux 9.0.0 64bit; Debian GNU/Linux 9.3.0 64bit; Debian GNU/Linux 8.1.0 64bit;"
        "Debian GNU/Linux 8.4.0 64bit; Debian GNU/Linux 8.5.0 64bit; Debian GNU/Linux 8.6.0 64bit;"
        "Debian GNU/Linux 8.7.0 64bit; Debian GNU/Linux 8.10.0 64bit",
    ),
    *_family(
        "Debian",
        "Debian GNU/Linux 10.0.0 64bit; Debian GNU/Linux 11.0.0 64bit;"
        "Debian GNU/Linux 12.0.0 64bit",
        tags="x86 arm uefi",
    ),
    *_family(
        "OpenSUSE",
        "openSUSE 11.3 64bit; openSUSE 13.2 64bit; openSUSE 42.1 64bit; openSUSE 42.2 64bit;"
        "openSUSE 42.3 64bit",
    ),
    *_family("OpenSUSE", "openSUSE 15.0 64bit; openSUSE 15.1 64bit", tags="x86 arm"),
    *_family(
        "Oracle Linux",
        "Oracle Linux Server release 6.5 64bit; Oracle Linux Server release 6.8 64bit;"
        "Oracle Linux Server release 7.2 64bit; Oracle Linux Server release 7.4 64bit;"
        "Oracle Linux Server release 6.7 64bit; Oracle Linux Server release 6.9 64bit;"
        "Oracle Linux Server release 6.10 64bit; Oracle Linux Server release 7.0 64bit;"
        "Oracle Linux Server release 7.1 64bit; Oracle Linux Server release 7.3 64bit;"
        "Oracle Linux Server release 7.5 64bit; Oracle Linux Server release 7.6 64bit",
        tags="x86 bms",
    ),
    *_family(
        "Fedora",
        "Fedora 22 64bit; Fedora 23 64bit; Fedora 24 64bit; Fedora 25 64bit; Fedora 26 64bit;"
        "Fedora 27 64bit",
    ),
    *_family("Fedora", "Fedora 28 64bit; Fedora 29 64bit; Fedora 30 64bit", tags="x86 arm"),
    *_family("CoreOS", "CoreOS 1068.10.0; CoreOS 1010.5.0; CoreOS 1298.6.0"),
    *_family("EulerOS", "EulerOS 2.1 64bit; EulerOS 2.2 64bit; EulerOS 2.3 64bit"),
    *_family(
        "EulerOS",
        "EulerOS 2.5 64bit; EulerOS 2.8 64bit; EulerOS 2.9 64bit",
        tags="x86 arm uefi bms",
    ),
    *_family(
        "openEuler",
        "openEuler 20.03 64bit; openEuler 22.03 64bit; openEuler 24.03 64bit",
        tags="x86 arm uefi",
    ),
    OTHER_LINUX,
    *_family(OTHER, "Other Linux(32 bit)"),
    *_family(OTHER, "Other(64 bit); Other(32 bit)", OTHER),
    *_family(OTHER, "Other Windows(64 bit); Other Windows(32 bit)", WINDOWS),
)

_BY_NAME = {system.os_version.lower(): system for system in TABLE}


def find(os_version: str) -> OperatingSystem | None:
    """The system of that name, in whatever case; ``None`` if IMS knows none."""
    return _BY_NAME.get(os_version.strip().lower())


def listing(tag: str | None = None) -> list[dict[str, Any]]:
    """The table as ``list_os_versions`` answers it: versions by platform.

    :param tag: ``bms``, ``uefi``, ``arm`` or ``x86``: only what runs there
    """
    platforms: dict[str, list[dict[str, Any]]] = {}
    for system in TABLE:
        if tag is None or tag in system.tags:
            platforms.setdefault(system.platform, []).append(
                {
                    "platform": system.platform,
                    "os_version_key": system.os_version,
                    "os_version": system.os_version,
                    "os_bit": system.os_bit,
                    "os_type": system.os_type,
                }
            )
    return [
        {"platform": platform, "version_list": versions} for platform, versions in platforms.items()
    ]
