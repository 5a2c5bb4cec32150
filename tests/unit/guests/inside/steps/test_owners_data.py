# SPDX-License-Identifier: Apache-2.0
import dataclasses

from ims_glance.guests.inside.steps import owners_data
from tests.unit.guests.inside.guests import DEBIAN, work
from tests.unit.guests.inside.memory_guest import MemoryGuest

_HAS = dataclasses.replace(DEBIAN, has_cloud_init=True)
_FILES = {
    "/etc/ssh/ssh_host_rsa_key": "k",
    "/etc/ssh/ssh_host_rsa_key.pub": "k",
    "/etc/ssh/sshd_config": "c",
    "/etc/machine-id": "0123\n",
    "/var/lib/dbus/machine-id": "0123\n",
    "/var/lib/dhcp/dhclient.eth0.leases": "l",
    "/root/.bash_history": "h",
    "/root/file": "f",
    "/var/log/syslog": "s",
    "/var/log/apt/history.log": "a",
    "/var/log/empty": "",
}


def test_keys_ids_leases_histories_and_logs() -> None:
    g = MemoryGuest(_FILES)
    doing = work(g, _HAS)
    owners_data.run(doing)
    assert {path: text for path, text in g.files.items() if text} == {
        "/etc/ssh/sshd_config": b"c", "/root/file": b"f",
    }  # fmt: skip
    assert g.text("/etc/machine-id") == ""
    assert "/var/log: 2 files are empty." in doing.deeds.done
    again = work(g, _HAS)
    owners_data.run(again)
    assert again.deeds.done == []


def test_keys_that_nobody_would_make_anew_stay() -> None:
    g = MemoryGuest(_FILES)
    doing = work(g)
    owners_data.run(doing)
    assert g.text("/etc/ssh/ssh_host_rsa_key") == "k"
    assert "without cloud-init" in doing.deeds.left[0]


def test_a_link_to_the_id_and_links_among_logs_are_not_followed() -> None:
    g = MemoryGuest({"/etc/machine-id": "", "/etc/passwd": "x", "/var/log/a": "a"})
    g.links |= {"/var/lib/dbus/machine-id": "/etc/machine-id", "/var/log/link": "/etc/passwd"}
    owners_data.run(work(g, _HAS))
    assert g.text("/etc/passwd") == "x"
    assert "/var/lib/dbus/machine-id" in g.links


def test_nothing_is_deleted_to_see_what_would_be() -> None:
    g = MemoryGuest(_FILES)
    before = dict(g.files)
    doing = work(g, _HAS, is_dry=True)
    owners_data.run(doing)
    assert g.files == before
    assert doing.deeds.done
