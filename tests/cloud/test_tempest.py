# SPDX-License-Identifier: Apache-2.0
"""Glance stays Glance: Tempest's image tests and those of its Glance plugin."""

import configparser
import contextlib
import functools
import http.server
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import subunit
import testtools

from tests.cloud import login

pytestmark = pytest.mark.pocket

_TESTS = "tempest.api.image|glance_tempest_plugin"
_LEAST = 230
"""So many pass at least: nobody sees a wrong expression, or an error of set-up, as a success."""

# Tests that fail on a Glance without the plugin as well, and why.
_FAIL_WITHOUT: dict[str, str] = {}


@contextlib.contextmanager
def _files(folder: Path) -> Iterator[str]:
    """The address of a web server with the images that Glance is to fetch."""
    raw, qcow2 = folder / "image.raw", folder / "image.qcow2"
    raw.write_bytes(bytes(1 << 20))
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, qcow2], check=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _configure(folder: Path, files: str) -> None:
    auth = login.region("admin").config["auth"]
    parser = configparser.ConfigParser()
    parser.read_dict(
        {
            "oslo_concurrency": {"lock_path": str(folder / "locks")},
            "auth": {
                "use_dynamic_credentials": "true",
                "create_isolated_networks": "false",
                "admin_username": auth["username"],
                "admin_password": auth["password"],
                "admin_project_name": auth["project_name"],
                "admin_domain_name": auth["user_domain_name"],
            },
            "identity": {
                "uri_v3": auth["auth_url"],
                "auth_version": "v3",
                "region": login.region("admin").config["region_name"],
            },
            "service_available": {
                "glance": "true",
                **dict.fromkeys(("neutron", "nova", "cinder", "swift"), "false"),
            },
            "image": {
                "http_image": f"{files}/image.raw",
                "http_qcow2_image": f"{files}/image.qcow2",
                "build_timeout": "120",
            },
            "image-feature-enabled": {"import_image": "true", "os_glance_reserved": "true"},
            "enforce_scope": {"glance": "true"},
        }
    )
    with (folder / "etc" / "tempest.conf").open("w") as file:
        parser.write(file)


def _tidy() -> None:
    """Delete the image that a test of Tempest leaves (``test_image_web_download_import_with_bad_url``)."""
    admin = login.connect("admin")
    for image in admin.image.images(visibility="all"):
        if str(image.name).startswith("tempest-test-"):
            admin.image.delete_image(image)


@pytest.fixture(scope="module")
def outcomes(cloud, tmp_path_factory) -> dict[str, tuple[str, str]]:
    """Test -> status, and what was said about it."""
    folder = tmp_path_factory.mktemp("tempest")
    programs = Path(sys.executable).parent
    # It keeps a list of its workspaces in the home directory.
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder.parent)}
    begin = [programs / "tempest", "init", folder]
    subprocess.run(begin, check=True, capture_output=True, env=environment)
    with _files(tmp_path_factory.mktemp("files")) as files:
        _configure(folder, files)
        ran = subprocess.run(
            [programs / "tempest", "run", "--serial", "--subunit", "--regex", _TESTS],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
        )
    _tidy()
    found: dict[str, tuple[str, str]] = {}

    def note(test: Any) -> None:
        said = "\n".join(each.as_text() for each in test["details"].values() if each.as_text())
        found[test["id"].partition("[")[0]] = (test["status"], said)

    result = testtools.StreamToDict(note)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(io.BytesIO(ran.stdout)).run(result)
    result.stopTestRun()
    assert found, ran.stderr.decode(errors="replace")
    return found


def test_none_fails_that_passes_without_the_plugin(outcomes):
    failed = {name: said for name, (status, said) in outcomes.items() if status == "fail"}
    assert failed.keys() == _FAIL_WITHOUT.keys(), "\n".join(failed.values())


def test_they_did_run(outcomes):
    passed = [name for name, (status, _) in outcomes.items() if status == "success"]
    assert len(passed) >= _LEAST, sorted(outcomes.items())
