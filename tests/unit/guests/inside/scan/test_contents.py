# SPDX-License-Identifier: Apache-2.0
"""What in a file is a secret."""

import time

import pytest

from ims_glance.guests.inside.scan import contents
from ims_glance.guests.inside.scan.places import Places
from ims_glance.model.market.scan.rules import Look
from tests.unit.guests.inside.guests import DEBIAN
from tests.unit.guests.inside.memory_guest import MemoryGuest


def finds(look: Look, path: str, content: str | bytes) -> bool:
    return contents.LOOKS[look](Places(MemoryGuest({path: content}), DEBIAN, []), path)


@pytest.mark.parametrize(
    ("content", "is_key"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n", True),
        ("-----BEGIN RSA PRIVATE KEY-----\n", True),
        ("-----BEGIN EC PRIVATE KEY-----\n", True),
        ("-----BEGIN PRIVATE KEY-----\n", True),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", True),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", True),
        ("Bag Attributes\n    friendlyName: x\n-----BEGIN PRIVATE KEY-----\n", True),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", True),
        ("-----BEGIN CERTIFICATE-----\n", False),
        ("-----BEGIN PUBLIC KEY-----\n", False),
        ("ssh-ed25519 AAAA ann@host\n", False),
        ("", False),
        ("-----BEGIN PRIVATE KEY-----\n" + "x" * (65 << 10), False),
    ],
)
def test_private_keys(content: str, is_key: bool) -> None:
    assert finds(Look.PRIVATE_KEY, "/root/.ssh/id_rsa", content) == is_key


@pytest.mark.parametrize(
    ("name", "content", "is_secret"),
    [
        ("credentials", "[default]\naws_access_key_id = A\naws_secret_access_key = s\n", True),
        ("credentials", "[default]\nregion = eu\n", False),
        ("clouds.yaml", "clouds:\n  x:\n    auth:\n      auth_url: http://k\n      password: p\n", True),
        ("clouds.yaml", "clouds:\n  x:\n    auth:\n      application_credential_secret: s\n", True),
        ("clouds.yaml", "clouds:\n  x:\n    auth:\n      auth_url: http://k/v3\n      username: u\n", False),
        ("demo-openrc.sh", "export OS_PASSWORD=p\n", True),
        ("demo-openrc.sh", "read -sr OS_PASSWORD_INPUT\nexport OS_PASSWORD=$OS_PASSWORD_INPUT\n", False),
        ("config.json", '{"auths": {"r": {"auth": "dXNlcjpw"}}}', True),
        ("config.json", '{"auths": {}, "credsStore": "pass"}', False),
        (".netrc", "machine m login l password p\n", True),
        (".netrc", "machine m login l\n", False),
        (".git-credentials", "https://ann:pw@host\n", True),
        (".git-credentials", "https://host\n", False),
        (".pgpass", "host:5432:db:ann:pw\n", True),
        (".pgpass", "# host:port:database:user:password\n", False),
        (".my.cnf", "[client]\npassword = p\n", True),
        (".npmrc", "//registry/:_authToken=npm_x\n", True),
        (".npmrc", "registry=https://registry/\n", False),
        ("config", "users:\n- user:\n    client-key-data: LS0t\n", True),
        ("config", "users:\n- user:\n    token: abc\n", True),
        ("credentials.db", b"SQLite format 3\0...refresh_token...", True),
        ("credentials.db", b"SQLite format 3\0", False),
        ("msal_token_cache.json", '{"AccessToken": {"x": {"secret": "eyJ"}}}', True),
        (".s3cfg", "secret_key = abc\n", True),
        (".obsutilconfig", "ak=a\nsk=b\n", True),
    ],
    ids=str,
)  # fmt: skip
def test_secrets(name: str, content: str | bytes, is_secret: bool) -> None:
    assert finds(Look.SECRET, f"/root/{name}", content) == is_secret


_XML = "<unattend><UserAccounts><{tag}>{inner}</{tag}></UserAccounts></unattend>"


@pytest.mark.parametrize(
    ("tag", "inner", "is_secret"),
    [
        ("AdministratorPassword", "<Value>cABh</Value><PlainText>false</PlainText>", True),
        ("Password", "<Value>p</Value>", True),
        ("Password", "p", True),
        ("Password", "<Value></Value>", False),
        ("AdministratorPassword", "*SENSITIVE*DATA*DELETED*", False),
        ("Password", "<Value>*SENSITIVE*DATA*DELETED*</Value>", False),
        ("ComputerName", "p", False),
    ],
)
def test_answer_files(tag: str, inner: str, is_secret: bool) -> None:
    text = _XML.format(tag=tag, inner=inner)
    for content in (text.encode(), text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode()):
        assert finds(Look.SECRET, "/Windows/Panther/unattend.xml", content) == is_secret


@pytest.mark.parametrize(
    ("line", "is_secret"),
    [("AdminPassword=p", True), ('AdminPassword="p"', True), ("AdminPassword=*", False), ("x=y", False)],
)  # fmt: skip
def test_old_answer_files(line: str, is_secret: bool) -> None:
    assert finds(Look.SECRET, "/sysprep/sysprep.inf", f"[GuiUnattended]\n{line}\n") == is_secret


@pytest.mark.parametrize(
    ("content", "has_lines"),
    [("ssh-ed25519 AAAA\n", True), ("# none\n\n", False), ("", False), (b"\xff\xfe\n", True)],
)
def test_lines(content: str | bytes, has_lines: bool) -> None:
    assert finds(Look.LINES, "/root/.ssh/authorized_keys", content) == has_lines


def test_what_is_not_empty() -> None:
    assert finds(Look.FILLED, "/root/.bash_history", "ls\n")
    assert not finds(Look.FILLED, "/root/.bash_history", "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/unattend.xml", "<Password>" * 100_000),
        ("/unattend.xml", "<Password " * 100_000),
        ("/sysprep.inf", "\n" * 1_000_000),
        ("/root/.netrc", "password" + " " * 1_000_000 + "\n"),
    ],
)
def test_a_file_made_to_be_slow_is_not(name: str, text: str) -> None:
    begun = time.process_time()
    assert not finds(Look.SECRET, name, text)
    assert time.process_time() - begun < 10
