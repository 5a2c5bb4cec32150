# SPDX-License-Identifier: Apache-2.0
"""With the real Keystone and Barbican and all their client libraries logging all they can: no key,
no token and no password is in the log of Glance or of ``ims-manage``.
"""

import base64
import contextlib
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ims_glance.model.image import attributes
from tests.cloud import login, pocket

pytestmark = pytest.mark.pocket

_FERNET_TOKEN = re.compile(rb"gAAAA[\w-]{40,}")
_START_SECONDS = 60
_LOUD = """[DEFAULT]
debug = True
default_log_levels = castellan=DEBUG,barbicanclient=DEBUG,keystoneauth=DEBUG,urllib3=DEBUG,\
keystonemiddleware=DEBUG,glance=DEBUG,glance_store=DEBUG,ims_glance=DEBUG,requests=DEBUG
"""


@pytest.fixture(scope="module")
def etc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of RegionOne's Glance, but loud."""
    etc = tmp_path_factory.mktemp("loud") / "etc"
    shutil.copytree(pocket.HOME / "etc" / "glance-one", etc)
    (etc / ".glance" / "glance-api.conf.d" / "zz-loud.conf").write_text(_LOUD)
    return etc


@pytest.fixture(scope="module")
def environment(etc: Path) -> dict[str, str]:
    return {**pocket.glance_environment(), "HOME": str(etc), "OS_GLANCE_CONFIG_DIR": str(etc)}


@pytest.fixture(scope="module")
def log(etc: Path) -> Path:
    return etc / "glance.log"


@pytest.fixture(scope="module")
def endpoint(environment: dict[str, str], log: Path) -> Iterator[str]:
    """One more Glance of RegionOne, which logs everything."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("uwsgi")),
        *("--http-socket", f"127.0.0.1:{port}", "--virtualenv", sys.prefix),
        *("--module", "glance.wsgi.api:application", "--threads", "4", "--buffer-size", "65535"),
        *("--master", "--enable-threads", "--lazy-apps", "--need-app", "--die-on-term"),
        *("--add-header", "Connection: close"),
    ]
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _make_key(cloud: Any) -> tuple[str, bytes]:
    key = secrets.token_bytes(32)
    secret = cloud.key_manager.create_secret(
        secret_type="symmetric",
        algorithm="aes",
        bit_length=256,
        payload=base64.b64encode(key).decode(),
        payload_content_type="application/octet-stream",
        payload_content_encoding="base64",
    )
    return login.secret_id(secret), key


def test_no_secret_is_logged(endpoint: str, environment: dict[str, str], log: Path) -> None:
    cloud = login.connect("demo")
    keys = [_make_key(cloud) for _ in range(2)]

    def send(method: str, path: str, **request: Any) -> Any:
        url = f"{endpoint}/v2/images{path}"
        return cloud.session.request(url, method, raise_exc=False, **request)

    properties = {"disk_format": "raw", "container_format": "bare"}
    created = send("POST", "", json={**properties, attributes.CMK_ID: keys[0][0]})
    assert created.status_code == 201, created.text
    image = f"/{created.json()['id']}"
    octets = {"Content-Type": "application/octet-stream"}
    data = secrets.token_bytes(3_000_000)
    assert send("PUT", f"{image}/file", data=data, headers=octets).status_code == 204
    assert send("GET", f"{image}/file").content == data
    assert send("POST", "", json={**properties, attributes.CMK_ID: "0" * 32}).status_code == 400
    printed = b""
    _open_to_service(cloud, send, properties, keys[1][0])
    for command in (["status"], ["verify", image[1:]], ["rekey", image[1:], keys[1][0]]):
        program = str(Path(sys.executable).with_name("ims-manage"))
        done = subprocess.run([program, *command], env=environment, capture_output=True, check=True)
        printed += done.stdout + done.stderr
    assert send("GET", f"{image}/file").content == data
    send("DELETE", image)

    everything = log.read_bytes() + printed
    assert b"REQ: curl" in everything
    assert keys[0][0].encode() in everything
    assert _FERNET_TOKEN.findall(everything) == []
    for _key_id, key in keys:
        encoded = base64.b64encode(key).rstrip(b"=")
        for form in (key, key.hex().encode(), encoded, repr(key)[2:-1].encode()):
            assert form not in everything
    for key_id, _key in keys:
        cloud.key_manager.delete_secret(key_id)


def _open_to_service(cloud: Any, send: Any, properties: dict[str, str], key_id: str) -> None:
    """Have the Image service read the key, as it may once its owner has named it."""
    created = send("POST", "", json={**properties, attributes.CMK_ID: key_id})
    assert created.status_code == 201, created.text
    send("DELETE", f"/{created.json()['id']}")
