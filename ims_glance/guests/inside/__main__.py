# SPDX-License-Identifier: Apache-2.0
"""The process that has the virtual machine: a request on its standard input, lines of JSON on its output.

It runs in a sandbox, see :mod:`ims_glance.guests.appliance`; a guest that breaks out of the machine is there.
"""

import importlib
import json
import os
import sys
from typing import IO, Any

from ims_glance.guests.inside import inspection, preparation
from ims_glance.guests.inside.scan import scanning
from ims_glance.model.guest.found import Guest
from ims_glance.model.guest.wishes import Wishes


def launched(request: dict[str, Any]) -> Any:
    """A machine with the one disk, started, as libguestfs's handle."""
    guestfs = importlib.import_module("guestfs")
    g = guestfs.GuestFS(python_return_dict=True)
    g.set_network(False)
    g.set_memsize(request["memory_mib"])
    if request["socket"] is None:
        g.add_drive_opts("/dev/null", format="raw", readonly=True)
    else:
        # The socket has no name: programs of this process find it by what this process has open.
        server = f"unix:/proc/{os.getpid()}/fd/{request['socket']}"
        is_writable = request["is_writable"]
        further = {"discard": "besteffort"} if is_writable else {}
        g.add_drive_opts(
            "",
            format="raw",
            protocol="nbd",
            server=[server],
            readonly=not is_writable,
            # What is written is lost with the job anyway.
            cachemode="unsafe",
            **further,
        )
    g.launch()
    return g


def _looked(g: Any, guest: Guest, wishes: Wishes, tell: Any) -> dict[str, Any]:
    if wishes.is_scan:
        return {"scan": scanning.scan(g, [guest, *inspection.others(g)], tell)}
    steps = preparation.prepare(g, guest, wishes, tell)
    return {"steps": [step.to_arguments() for step in steps]}


def run(request: dict[str, Any], out: IO[str]) -> None:
    """Do what is asked, and say it."""

    def say(**what: Any) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    def tell(name: str, number: int, of: int) -> None:
        say(progress=[name, number, of])

    try:
        tell("start", 0, 0)
        g = launched(request)
        result: dict[str, Any] = {}
        if request["socket"] is not None:
            tell("look", 0, 0)
            wishes = Wishes.of_arguments(request["wishes"])
            guest = inspection.inspect(g)
            result = {"guest": guest.to_arguments(), **_looked(g, guest, wishes, tell)}
        g.shutdown()
        g.close()
    except RuntimeError as error:
        say(error=str(error))
    else:
        say(result=result)


def main() -> None:
    """The program."""
    # What libguestfs and its children print is not what we say.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run(json.load(sys.stdin), out)


if __name__ == "__main__":
    main()
