# SPDX-License-Identifier: Apache-2.0
"""The verbs of ``devstack/pocket``."""

import argparse
import os
import signal
import sys
from collections.abc import Callable

from pocket_cloud import access, checks, demo, lifecycle, packages, process, status
from pocket_cloud.cloud import Cloud
from pocket_cloud.errors import PocketError
from pocket_cloud.plan import Progress

_DESCRIPTION = """\
A real OpenStack on this machine, as root on Debian 12: Keystone, Barbican, Glance with ims_glance
in two regions, Nova, Cinder, Placement, Neutron's API, Ceph with an object gateway, Horizon. What is
missing of it is installed first; everything else lies in one folder, and every port is on
loopback."""

_EPILOG = """\
environment:
  POCKET_HOME   the folder of the cloud (default: .pocket in the checkout)
  POCKET_PORT   the first of its 100 ports, all from 1024 to 32767 (default: 21000); another cloud
                takes another one
  POCKET_VENV   the virtual environment (default: venv in the folder of the cloud)

use it:
  . .pocket/openrc-demo && openstack image list
  OS_CLIENT_CONFIG_FILE=.pocket/clouds.yaml openstack --os-cloud demo-two image list"""


def _up(cloud: Cloud, arguments: argparse.Namespace) -> int:
    with cloud.locked():
        lifecycle.up(cloud, arguments.light, not arguments.no_console)
    return 0


def _down(cloud: Cloud, arguments: argparse.Namespace) -> int:
    with cloud.locked():
        lifecycle.down(cloud)
    return 0


def _clean(cloud: Cloud, arguments: argparse.Namespace) -> int:
    if arguments.demo:
        return demo.clean(cloud)
    with cloud.locked():
        lifecycle.clean(cloud, arguments.all)
    return 0


def _status(cloud: Cloud, arguments: argparse.Namespace) -> int:
    text, is_up = status.report(cloud)
    print(text)
    return 0 if is_up else 1


def _demo(cloud: Cloud, arguments: argparse.Namespace) -> int:
    with cloud.locked():
        lifecycle.up(cloud, is_light=False)
    return demo.run(cloud)


def _test(cloud: Cloud, arguments: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, checks.terminate)
    is_quick = arguments.rest[:1] == ["--quick"]
    if is_quick:
        with cloud.locked():
            packages.ensure(cloud, is_light=False, progress=Progress())
        return checks.run(cloud, arguments.rest[1:], is_quick=True)
    with cloud.locked():
        lifecycle.up(cloud, is_light=False)
    return checks.run(cloud, arguments.rest)


def _logs(cloud: Cloud, arguments: argparse.Namespace) -> int:
    if not arguments.name:
        names = (path.stem for path in cloud.path("logs").glob("*.log"))
        print("\n".join(sorted(names)))
        return 0
    log = cloud.log(arguments.name)
    if not log.exists():
        raise PocketError(f"no log of {arguments.name}; 'logs' alone lists what there is")
    if arguments.follow:
        os.execvp("tail", ["tail", "-n", "100", "-F", str(log)])
    print(process.tail(log, arguments.lines))
    return 0


def _openrc(cloud: Cloud, arguments: argparse.Namespace) -> int:
    print(access.openrc(cloud, arguments.user), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "devstack/pocket",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(
        name: str, action: Callable[[Cloud, argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(action=action)
        return added

    up = verb("up", _up, "install what is missing and start what does not run")
    up.add_argument(
        "--light", action="store_true", help="Keystone, Barbican and both Glances alone"
    )
    up.add_argument("--no-console", action="store_true", help="no Horizon (some 300 MiB)")
    verb("down", _down, "stop everything; data stays, and 'up' brings servers back")
    verb("status", _status, "show each service; exit code 1 when one is down")
    verb("demo", _demo, "'up', then show what ims_glance does, step by step")
    test = verb(
        "test", _test, "'up', then ruff, mypy, documentation and all tests; more goes to pytest"
    )
    test.add_argument("--quick", action="store_true", help="first: only what needs no cloud")
    test.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="for pytest")
    logs = verb("logs", _logs, "show the end of a log; without a name, list the logs")
    logs.add_argument("name", nargs="?", metavar="NAME")
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("-n", "--lines", type=int, default=50)
    openrc = verb("openrc", _openrc, "print a user's settings for a shell to evaluate")
    openrc.add_argument("user", nargs="?", default="demo", choices=access.USERS)
    clean = verb("clean", _clean, "'down', then remove all data")
    what = clean.add_mutually_exclusive_group()
    what.add_argument("--all", action="store_true", help="the Python environment too")
    what.add_argument(
        "--demo",
        action="store_true",
        help="only what a killed 'demo' has left in the cloud, which goes on running",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one verb.

    :returns: the exit code.
    """
    given = sys.argv[1:] if argv is None else argv
    parser = _parser()
    if given[:1] == ["test"] and given[1:2] not in (["-h"], ["--help"]):
        # argparse would take options that are meant for pytest for its own.
        arguments = parser.parse_args(["test"])
        arguments.rest = given[1:]
    else:
        arguments = parser.parse_args(given)
    try:
        action: Callable[[Cloud, argparse.Namespace], int] = arguments.action
        return action(Cloud.from_environment(), arguments)
    except PocketError as error:
        print(f"pocket: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("pocket: interrupted; 'up' goes on from here, 'down' stops it", file=sys.stderr)
    return 1
