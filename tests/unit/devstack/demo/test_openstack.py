# SPDX-License-Identifier: Apache-2.0
"""Commands of the real client in forks of a process that has loaded it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pocket_cloud.demo.signals import Stopped
from pocket_cloud.demo.stage import Unexpected


@pytest.fixture
def demo(stage):
    """A stage with the environment of the tests, which has the client."""
    object.__setattr__(stage.cloud, "venv", Path(sys.prefix))
    yield stage
    stage.close()


def test_one_command_after_the_other(demo, capfd):
    assert demo.run("openstack", "--version").startswith("openstack ")
    first = demo._openstack._warm.pid
    with pytest.raises(Unexpected, match="openstack failed: Cloud demo was not found"):
        demo.run("openstack", "image", "list")
    assert demo.run("openstack", "--version").startswith("openstack ")
    assert demo._openstack._warm.pid == first
    # What commands say does not go past the demo; nor is it kept.
    assert "not found" not in capfd.readouterr().err
    assert [path.name for path in demo.files.iterdir() if "openstack" in path.name] == []


def test_a_command_that_takes_too_long_and_one_whose_process_died(demo):
    environment = demo._environment("demo")
    with pytest.raises(subprocess.TimeoutExpired):
        demo._openstack.run(("--version",), environment, 0.0)
    assert demo.run("openstack", "--version")
    demo._openstack._warm.kill()
    demo._openstack._warm.wait()
    assert demo.run("openstack", "--version")


def test_a_signal_ends_the_command(demo, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as keystone:
        # It accepts, and never answers.
        login = {"AUTH_URL": f"http://127.0.0.1:{keystone.getsockname()[1]}/v3", "USERNAME": "u"}
        login |= {"PASSWORD": "p", "USER_DOMAIN_ID": "default", "PROJECT_NAME": "p"}
        environment = {**os.environ, **{f"OS_{name}": value for name, value in login.items()}}
        monkeypatch.setattr(demo, "_environment", lambda _user: environment)
        accepted, main = [], threading.get_ident()

        def stop() -> None:
            accepted.append(keystone.accept()[0])
            # The system may give one that is for the whole process to this thread, which wakes nobody.
            signal.pthread_kill(main, signal.SIGTERM)

        thread = threading.Thread(target=stop)
        thread.start()
        with pytest.raises(Stopped):
            demo.run("openstack", "token", "issue")
        thread.join()
        with accepted[0] as connection:
            connection.settimeout(30)
            while connection.recv(4096):
                pass
    assert demo._openstack._warm is None
