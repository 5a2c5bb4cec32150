# SPDX-License-Identifier: Apache-2.0
"""``ims-manage status``: a line for everything that would make encrypted images fail, or leak."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.functional import stored
from tests.functional.commands import Commands
from tests.functional.service import SECOND_IN_S3, GlanceService, Options

Status = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def status(tmp_path: Path, commands: Commands) -> Iterator[Status]:
    """Ask for the status of a Glance that is configured with some options, and not started."""

    def ask(options: Options | None = None, away: bool = False) -> tuple[int, list[str]]:
        service = GlanceService(tmp_path / "glance", options)
        service.configure()
        service.vault.away = away
        done = commands.run(service, "status")
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout.splitlines()

    yield ask


def failures(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("FAILURE ")]


def warnings(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("WARNING ")]


def test_nothing_is_wrong(tmp_path: Path, commands: Commands) -> None:
    options = {
        "ims_kms": {"coordination_url": "mysql://someone:password@host/database"},
        "ims_backups": {"signing_secrets": "0123456789abcdef" * 4},
    }
    service = GlanceService(tmp_path, options)
    service.configure()
    with stored.tiny_disk(service.directories.staging, "size=1m"):
        done = commands.run(service, "status")
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert {line.split()[0] for line in lines} == {"OK"}
    for words in (
        "driver ims-kms can be loaded",
        "store kms keeps its ciphertext in [kms_inner]",
        "store kms2 keeps its ciphertext in [kms2_inner]",
        "guard filter is in the pipeline of flavor ims",
        "key manager answers (its user may make no keys, and need not)",
        "encrypted and decrypted",
        "written by the service alone",
        "under a lock of mysql",
        "there are no jobs",
        "staged in memory",
    ):
        assert words in done.stdout
    assert "password" not in done.stdout + done.stderr


def test_glance_that_debugs(tmp_path: Path, commands: Commands) -> None:
    """What Glance's configuration says of logs is for Glance: here are results, and nothing else."""
    options: Options = {"DEFAULT": {"debug": True}, "key_manager": {"project_id": "service"}}
    service = GlanceService(tmp_path, options)
    service.configure()
    done = commands.run(service, "status")
    assert done.returncode == 0, done
    assert done.stderr == ""
    assert {line.split()[0] for line in done.stdout.splitlines()} == {"OK", "WARNING"}
    # That key is gone again.
    assert "a key was made, read and deleted" in done.stdout
    assert service.vault.keys() == []
    told = commands.run(service, "--debug", "status")
    assert (told.returncode, told.stdout) == (0, done.stdout)
    assert "DEBUG" in told.stderr


def test_a_store_that_cannot_be_read(tmp_path: Path, commands: Commands) -> None:
    service = GlanceService(tmp_path, SECOND_IN_S3)
    service.configure()
    done = commands.run(service, "status")
    (failure,) = failures(done.stdout.splitlines())
    assert "store kms2: Could not connect" in failure
    assert done.stderr == "ims-manage: 1 check(s) failed\n"


def test_by_itself(tmp_path: Path) -> None:
    """The program as it is installed; what is usual in this configuration is worth a warning."""
    service = GlanceService(tmp_path)
    service.configure()
    done = service.run("ims-manage", "status")
    assert done.returncode == 0, done
    assert failures(done.stdout.splitlines()) == []
    assert len(warnings(done.stdout.splitlines())) == 2


def test_by_itself_without_an_encrypting_store(tmp_path: Path) -> None:
    """No store of ours registers our options: the other checks need them all the same."""
    options: Options = {
        "DEFAULT": {"enabled_backends": "plain:file"},
        "ims_kms": {"default_store": ""},
    }
    service = GlanceService(tmp_path, options)
    service.configure()
    done = service.run("ims-manage", "status")
    assert done.returncode == 1
    assert done.stderr == "ims-manage: 1 check(s) failed\n"
    (failure,) = failures(done.stdout.splitlines())
    assert "enabled_backends lists no ims-kms store" in failure


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"DEFAULT": {"enabled_backends": "plain:file"}, "ims_kms": {"default_store": ""}},
            ["enabled_backends lists no ims-kms store"],
        ),
        (
            {"ims_kms": {"coordination_url": "nothing://host"}},
            ["tooz has no backend 'nothing' that can be loaded (NoMatches)"],
        ),
        (
            {"DEFAULT": {"enabled_backends": "plain:file, kms:ims-kms, kms_inner:file"}},
            ["store kms:", "[kms_inner]", "remove it there"],
        ),
        (
            {"DEFAULT": {"enabled_backends": "plain:file, kms:ims-kms, kms3:ims-kms"}},
            ["store kms3:", "ims_kms_inner_driver is not set"],
        ),
        ({"kms2": {"ims_kms_inner_driver": "files"}}, ["store kms2:", "ims_kms_inner_driver"]),
        ({"kms2_inner": {"filesystem_store_datadir": ""}}, ["store kms2"]),
        ({"kms2_inner": {"filesystem_store_datadir": "/proc/nowhere"}}, ["store kms2"]),
        (
            {
                "paste_deploy": {
                    "flavor": "keystone",
                    "config_file": "{root}/etc/glance-api-paste.ini",
                }
            },
            ["guard filter is not in Glance's pipeline", "flavor = ims"],
        ),
        (
            {"DEFAULT": {"property_protection_file": ""}},
            ["everybody may write", "set property_protection_file"],
        ),
        ({"ims_kms": {"default_store": "plain"}}, ["[ims_kms] default_store = plain"]),
        ({"paste_deploy": {"config_file": "{root}/etc/nothing.ini"}}, ["guard filter is not"]),
        ({"paste_deploy": {"flavor": ""}}, ["guard filter is not"]),
    ],
    ids=[
        "no encrypting store",
        "no such backend of locks",
        "inner store listed",
        "no inner driver",
        "unknown inner driver",
        "no inner directory",
        "impossible inner directory",
        "stock pipeline",
        "no property protections",
        "plain store as default",
        "no paste file",
        "no flavor",
    ],
)
def test_misconfigured(status: Status, options: Options, words: list[str]) -> None:
    code, lines = status(options)
    assert code == 1
    (failure,) = failures(lines)
    assert all(word in failure for word in words), failure


def test_key_manager_away(status: Status) -> None:
    code, lines = status(away=True)
    assert code == 1
    (failure,) = failures(lines)
    assert "IMG.0014: The key manager is unavailable" in failure


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"DEFAULT": {"show_multiple_locations": True}}, "show_multiple_locations is on"),
        (
            {
                "paste_deploy": {
                    "flavor": "keystone+caching",
                    "config_file": "{root}/etc/glance-api-paste.ini",
                }
            },
            "image cache, which keeps decrypted images",
        ),
        ({}, "imports are staged unencrypted in"),
        ({}, "coordination_url is not set"),
    ],
)
def test_warnings(status: Status, options: Options, words: str) -> None:
    _code, lines = status(options)
    assert sum(words in warning for warning in warnings(lines)) == 1, lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config-dir", "nowhere"], "nowhere"),
        (["--config-file", "nowhere.conf"], "nowhere.conf"),
        (["--config-file", "broken.conf"], "broken.conf"),
    ],
)
def test_a_configuration_that_cannot_be_read(
    tmp_path: Path, commands: Commands, arguments: list[str], words: str
) -> None:
    service = GlanceService(tmp_path)
    service.configure()
    service.directories.root.joinpath("broken.conf").write_text("no option\n")
    done = commands.run(service, *arguments, "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ims-manage: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_no_configuration(tmp_path: Path, commands: Commands) -> None:
    service = GlanceService(tmp_path)
    tmp_path.joinpath("home").mkdir()
    done = commands.run(service, "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--config-file" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "command"),
        (["nonsense"], "invalid choice"),
        (["verify"], "IMAGE"),
        (["rekey", "x"], "KEY"),
        (["orphans", "--min-age", "old"], "--min-age"),
    ],
)
def test_usage(tmp_path: Path, commands: Commands, arguments: list[str], words: str) -> None:
    service = GlanceService(tmp_path)
    service.configure()
    done = commands.run(service, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_help(tmp_path: Path, commands: Commands) -> None:
    service = GlanceService(tmp_path)
    service.configure()
    done = commands.run(service, "--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("status", "verify", "rekey", "orphans"))
