# SPDX-License-Identifier: Apache-2.0
"""What is looked for in a system that is to be sold: one table.

Sources: KooGallery's image security standards (no preset account, password or key; no vulnerability of
CVSS 7.0 or more), AWS Marketplace's policy for AMIs (no default passwords and keys). Where one name stands
in several rows, they are places of one thing.

A path is a pattern of the shell (glob(7)), in which ``~`` is each home folder.
"""

import dataclasses
import enum
from collections.abc import Iterator

from ims_glance.model.guest.found import LINUX, WINDOWS, Guest


class Severity(enum.StrEnum):
    """What comes of a finding."""

    BLOCKS = "blocks"
    """The version is refused."""
    REVIEW = "review"
    """The reviewer decides."""
    UNINSPECTED = "not inspected"
    """Nobody could look into it: whoever approves it says so."""


class Look(enum.StrEnum):
    """How a place is looked at."""

    ACCOUNTS = "accounts"
    """A table of accounts with passwords (shadow(5), passwd(5)), or Windows's SAM."""
    LINES = "lines"
    """It has a line that is no comment."""
    PRIVATE_KEY = "private key"
    """It begins with, or has in it, what a private key begins with."""
    SECRET = "secret"
    """It has one of the words that a secret stands behind."""
    FILLED = "filled"
    """It is not empty."""


@dataclasses.dataclass(frozen=True)
class ScanRule:
    """A row.

    :ivar name: of what it finds
    :ivar system: ``linux`` or ``windows``
    :ivar paths: where
    :ivar what: it finds, a sentence; ``{name}`` is the name of an account, of a package, of a scanner
    :ivar advice: what its owner should do before the image is made again
    """

    name: str
    system: str
    paths: tuple[str, ...]
    look: Look | None
    severity: Severity
    what: str
    advice: str


_KEYS = (
    "~/.ssh/*", "/etc/ssh/*", "/etc/ssl/private/*", "/etc/pki/tls/private/*", "/etc/letsencrypt/archive/*/*",
    "~/*", "~/*/*", "~/.[!.]*/*", "/etc/ipsec.d/private/*", "/etc/openvpn/*", "/etc/openvpn/*/*",
)  # fmt: skip
_CLOUD = (
    "~/.aws/credentials", "~/.config/openstack/*.y*ml", "~/clouds.y*ml", "~/secure.y*ml", "/etc/openstack/*.y*ml",
    "~/*openrc*", "~/.config/openstack/*openrc*", "~/.azure/accessTokens.json", "~/.azure/msal_token_cache*",
    "~/.azure/service_principal_entries*", "~/.config/gcloud/credentials.db",
    "~/.config/gcloud/access_tokens.db", "~/.config/gcloud/application_default_credentials.json",
    "~/.config/gcloud/legacy_credentials/*/*", "~/.hcloud/config.json", "~/.obsutilconfig", "~/.s3cfg", "~/.boto",
)  # fmt: skip
_SERVICES = (
    "~/.docker/config.json", "~/.netrc", "~/_netrc", "~/.git-credentials", "~/.pgpass", "~/.my.cnf", "~/.npmrc",
    "~/.pypirc", "~/.kube/config", "/etc/kubernetes/admin.conf", "~/.config/containers/auth.json",
)  # fmt: skip
_HISTORIES = (
    "~/.bash_history", "~/.zsh_history", "~/.sh_history", "~/.ash_history", "~/.history", "~/.python_history",
    "~/.mysql_history", "~/.psql_history", "~/.local/share/fish/fish_history",
)  # fmt: skip
_USER_DATA = ("/var/lib/cloud/instance/user-data.txt", "/var/lib/cloud/instances/*/user-data.txt")
_UNATTENDED = (
    "/Windows/Panther/unattend.xml", "/Windows/Panther/Unattend/unattend.xml",
    "/Windows/System32/Sysprep/unattend.xml", "/Windows/System32/Sysprep/sysprep.xml",
    "/Windows/System32/Sysprep/Panther/unattend.xml", "/unattend.xml", "/autounattend.xml",
    "/sysprep/sysprep.inf", "/sysprep.inf",
)  # fmt: skip
_CONSOLE = "AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt"

_OWN_PASSWORDS = "Lock it (passwd -l NAME, usermod -p '*' NAME), or delete it. Buyers log in with a key of their own."
_NEW_KEYS = "Delete it, and see that each server makes its own when it starts for the first time."
_FORGET = "Delete it, and revoke what it gives access to: it may have been seen by now."

TABLE: tuple[ScanRule, ...] = (
    ScanRule(
        "preset password", LINUX, ("/etc/shadow", "/etc/passwd"), Look.ACCOUNTS, Severity.BLOCKS,
        "Account '{name}' has a password.", _OWN_PASSWORDS,
    ),
    ScanRule(
        "empty password", LINUX, ("/etc/shadow", "/etc/passwd"), Look.ACCOUNTS, Severity.BLOCKS,
        "Account '{name}' has an empty password: anybody may log in.", _OWN_PASSWORDS,
    ),
    ScanRule(
        "locked password", LINUX, ("/etc/shadow",), Look.ACCOUNTS, Severity.REVIEW,
        "Account '{name}' is locked, and its password is still there.", "usermod -p '*' NAME",
    ),
    ScanRule(
        "old password", LINUX, ("/etc/shadow-", "/etc/passwd-"), Look.ACCOUNTS, Severity.REVIEW,
        "A copy of the table of accounts has the password of '{name}'.", "Delete it.",
    ),
    ScanRule(
        "further root", LINUX, ("/etc/passwd",), Look.ACCOUNTS, Severity.REVIEW,
        "Account '{name}' has the rights of root.", "Delete it, or say in the usage guide what it is for.",
    ),
    ScanRule(
        "authorized key", LINUX,
        ("~/.ssh/authorized_keys", "~/.ssh/authorized_keys2", "/etc/ssh/authorized_keys/*", "/etc/ssh/authorized_keys",
         "/etc/dropbear/authorized_keys"),
        Look.LINES, Severity.BLOCKS, "Whoever has the key to it may log in.",
        "Delete it. Cloud-init writes the buyer's key there.",
    ),
    ScanRule(
        "host key", LINUX, ("/etc/ssh/ssh_host_*_key", "/etc/dropbear/dropbear_*_host_key"), Look.FILLED,
        Severity.BLOCKS, "All servers of it would have the same host key, and nothing makes new ones.", _NEW_KEYS,
    ),
    ScanRule(
        "host key", LINUX, ("/etc/ssh/ssh_host_*_key", "/etc/dropbear/dropbear_*_host_key"), Look.FILLED,
        Severity.REVIEW, "A host key. Cloud-init, which is there, makes new ones unless 'ssh_deletekeys' is false.",
        _NEW_KEYS,
    ),
    ScanRule(
        "private key", LINUX, _KEYS, Look.PRIVATE_KEY, Severity.BLOCKS, "A private key.",
        "Delete it; of a service, see that each server makes its own. Replace it where it is used: it may have been "
        "seen by now.",
    ),
    ScanRule("cloud credentials", LINUX, _CLOUD, Look.SECRET, Severity.BLOCKS, "Credentials of a cloud.", _FORGET),
    ScanRule("credentials", LINUX, _SERVICES, Look.SECRET, Severity.BLOCKS, "Credentials of a service.", _FORGET),
    ScanRule(
        "shell history", LINUX, _HISTORIES, Look.FILLED, Severity.REVIEW, "What somebody typed.", "Delete it.",
    ),
    ScanRule(
        "user data", LINUX, _USER_DATA, Look.FILLED, Severity.REVIEW,
        "What cloud-init was given when the image was prepared; passwords may be in it.", "cloud-init clean --logs",
    ),
    ScanRule(
        "preset password", WINDOWS, ("/Windows/System32/config/SAM",), Look.ACCOUNTS, Severity.BLOCKS,
        "Account '{name}' is enabled, and has a password.",
        "Disable it, and run 'sysprep /generalize /oobe'. Cloudbase-init gives each server a password of its own.",
    ),
    ScanRule(
        "empty password", WINDOWS, ("/Windows/System32/config/SAM",), Look.ACCOUNTS, Severity.BLOCKS,
        "Account '{name}' is enabled, and has no password.", "Disable it, and run 'sysprep /generalize /oobe'.",
    ),
    ScanRule(
        "password in an answer file", WINDOWS, _UNATTENDED, Look.SECRET, Severity.BLOCKS,
        "An answer file of Setup with a password.", "Delete it, or its passwords.",
    ),
    ScanRule(
        "authorized key", WINDOWS, ("~/.ssh/authorized_keys", "/ProgramData/ssh/administrators_authorized_keys"),
        Look.LINES, Severity.BLOCKS, "Whoever has the key to it may log in.", "Delete it.",
    ),
    ScanRule(
        "private key", WINDOWS, ("~/.ssh/*", "~/*", "~/Desktop/*", "~/Documents/*", "/ProgramData/ssh/ssh_host_*_key"),
        Look.PRIVATE_KEY, Severity.BLOCKS, "A private key.",
        "Delete it, and replace it where it is used: it may have been seen by now.",
    ),
    ScanRule("cloud credentials", WINDOWS, _CLOUD, Look.SECRET, Severity.BLOCKS, "Credentials of a cloud.", _FORGET),
    ScanRule("credentials", WINDOWS, _SERVICES, Look.SECRET, Severity.BLOCKS, "Credentials of a service.", _FORGET),
    ScanRule(
        "shell history", WINDOWS, (f"~/{_CONSOLE}",), Look.FILLED, Severity.REVIEW, "What somebody typed.",
        "Delete it.",
    ),
)  # fmt: skip
"""Where several rows of a system have a name, the severity tells them apart."""

VULNERABILITY, VULNERABILITIES, SCANNER = "vulnerability", "further vulnerability", "scanner"
OTHERS: tuple[ScanRule, ...] = (
    ScanRule(
        VULNERABILITY, "", (), None, Severity.BLOCKS, "{name}", "Bring the package up to date, and make the image again.",
    ),
    ScanRule(
        VULNERABILITIES, "", (), None, Severity.REVIEW, "{name}", "Bring the package up to date.",
    ),
    ScanRule(SCANNER, "", (), None, Severity.BLOCKS, "{name}", "Delete it, and find out how it came there."),
)  # fmt: skip
"""What is found otherwise than at a path: in packages, and by scanners of the operator."""


def of_system(guest: Guest) -> Iterator[tuple[int, ScanRule]]:
    """The rows for a system, and their numbers in the table."""
    spared = Severity.BLOCKS if guest.has_cloud_init else Severity.REVIEW
    for number, rule in enumerate(TABLE):
        if rule.system != guest.kind or (rule.name, rule.severity) == ("host key", spared):
            continue
        yield number, rule


def named(name: str) -> ScanRule:
    """A row of :data:`OTHERS`.

    :raises StopIteration: if there is none
    """
    return next(rule for rule in OTHERS if rule.name == name)


__all__ = [
    "LINUX",
    "OTHERS",
    "TABLE",
    "WINDOWS",
    "Look",
    "ScanRule",
    "Severity",
    "named",
    "of_system",
]
