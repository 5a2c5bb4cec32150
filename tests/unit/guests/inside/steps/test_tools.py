# SPDX-License-Identifier: Apache-2.0
import dataclasses

from ims_glance.guests.inside.steps import tools
from tests.unit.guests.inside.guests import DEBIAN, failing, nothing, work
from tests.unit.guests.inside.memory_guest import MemoryGuest

_DEB = {"/var/lib/dpkg/status": "", "/var/lib/dpkg/info/open-vm-tools.list": ""}


def test_tools_of_another_hypervisor_are_removed() -> None:
    g = MemoryGuest(_DEB)
    g.programs["env"] = lambda arguments: (
        g.files.pop("/var/lib/dpkg/info/open-vm-tools.list") and ""
    )
    doing = work(g)
    tools.run(doing)
    assert g.commands[0][-2:] == ["--purge", "open-vm-tools"]
    assert doing.deeds.done == ["open-vm-tools: removed."]
    again = work(g)
    tools.run(again)
    assert again.deeds.done == []


def test_of_rpm_and_apk_too() -> None:
    g = MemoryGuest({"/var/lib/rpm/x": ""})
    g.programs["rpm"] = lambda arguments: (
        nothing([]) if "open-vm-tools" in arguments else failing(["rpm"])
    )
    tools.run(work(g, dataclasses.replace(DEBIAN, package_format="rpm")))
    assert g.commands[-1] == ["rpm", "-e", "open-vm-tools"]
    g = MemoryGuest({"/lib/apk/db/installed": "", "/usr/bin/vmtoolsd": ""})
    g.programs["apk"] = nothing
    tools.run(work(g, dataclasses.replace(DEBIAN, package_format="apk")))
    assert g.commands[-1][:2] == ["apk", "del"]


def test_what_others_need_or_was_installed_by_hand_is_left() -> None:
    g = MemoryGuest({**_DEB, "/usr/bin/vmware-uninstall-tools.pl": ""})
    g.programs["env"] = failing
    doing = work(g)
    tools.run(doing)
    assert "could not be removed" in doing.deeds.left[0]
    assert "by hand" in doing.deeds.left[1]
    assert len(doing.deeds.advice) == 2


def test_nothing_is_removed_to_see_what_would_be() -> None:
    g = MemoryGuest(_DEB)
    doing = work(g, is_dry=True)
    tools.run(doing)
    assert (len(doing.deeds.done), g.commands) == (1, [])
