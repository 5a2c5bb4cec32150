# SPDX-License-Identifier: Apache-2.0
"""A temporary folder that passes for a machine on which DevStack runs."""

import json
import shlex
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

from oslo_config import cfg

ROOT = Path(__file__).parents[3]
HARNESS = Path(__file__).parent
SERVICES = "key,g-api,n-api,n-cpu,barbican"
USER_ID = "5d6f2c8e0b7a4c51a1e0f9d3b2c4a687"

# One call and its words; a shell starts in a tenth of the time that a Python takes.
_CALL, _WORD = "\x1e", "\x1f"
RECORDER = f"""#!/bin/sh
{{
    printf %s "${{0#"$MACHINE/"}}"
    [ $# -eq 0 ] || printf '\\037%s' "$@"
    printf '\\036'
}} >>"$CALLS"
case $0 in
*/openstack) echo {USER_ID} ;;
*/ims-manage) case " $* " in *" status "*) exit "${{STATUS:-0}}" ;; esac ;;
esac
"""
SUDO = '#!/bin/bash\nwhile [[ "$1" == -* || "$1" == *=* ]]; do shift; done\nexec "$@"\n'


class Machine:
    """A folder that looks like a machine on which DevStack has configured Glance and Nova."""

    def __init__(self, root: Path, devstack: str | None) -> None:
        self.root = root
        self.stack = root / "opt/stack"
        self.calls_file = root / "calls"
        self.devstack = devstack
        bins = [root / "bin", self.stack / "data/venv/bin", self.stack / "glance.venv/bin"]
        for folder in [*bins, root / "etc/nova", root / "etc/glance", root / "home"]:
            folder.mkdir(parents=True)
        (self.stack / "data/glance/images").mkdir(parents=True)
        (self.stack / "ims_glance").symlink_to(ROOT)
        self._program("bin/sudo", SUDO)
        self._program("bin/python3", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        for name in (
            "bin/openstack",
            "bin/systemctl",
            "bin/mysql",
            "bin/rabbitmqctl",
            "opt/stack/data/venv/bin/pip",
            "opt/stack/glance.venv/bin/pip",
        ):
            self._program(name, RECORDER)
        for name in ("ims-manage", "glance-manage"):
            self._program(f"opt/stack/data/venv/bin/{name}", RECORDER)
        self._program("opt/stack/requirements/.venv/bin/edit-constraints", "#!/bin/sh\n")
        self.glance_conf = root / "etc/glance/glance-api.conf"
        self.nova_conf = root / "etc/nova/nova.conf"
        self.glance_conf.write_text(
            "[DEFAULT]\ndebug = True\n\n[paste_deploy]\nflavor = keystone\n"
        )
        self.uwsgi_conf = root / "etc/glance/glance-uwsgi.ini"
        self.uwsgi_conf.write_text("\n[uwsgi]\nprocesses = 2\n")
        self.nova_conf.write_text("[DEFAULT]\ndebug = True\n")
        paste = Path(sys.prefix) / "etc/glance/glance-api-paste.ini"
        (root / "etc/glance/glance-api-paste.ini").write_text(paste.read_text())

    def _program(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def run(self, mode: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Do what one of DevStack's scripts does with the plugin."""
        settings = {
            "PATH": f"{self.root}/bin:/usr/bin:/bin",
            "HOME": f"{self.root}/home",
            "MACHINE": str(self.root),
            "CALLS": str(self.calls_file),
            "PLUGIN": str(ROOT),
            "ENABLED_SERVICES": SERVICES,
            "LC_ALL": "C.UTF-8",
            **environment,
        }
        if self.devstack:
            settings["DEVSTACK_DIR"] = self.devstack
        return subprocess.run(
            ["bash", str(HARNESS / "run.sh"), str(self.root), mode],
            env=settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def must(self, mode: str, **environment: str) -> str:
        """Like :meth:`run`, and it has to succeed."""
        result = self.run(mode, **environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def calls(self, name: str) -> list[list[str]]:
        """How the recorded program *name* was called."""
        told = self.calls_file.read_text() if self.calls_file.exists() else ""
        calls = [call.split(_WORD) for call in told.split(_CALL)[:-1]]
        return [call for call in calls if call[0].endswith(name)]

    def files(self) -> dict[str, str]:
        """Every file below etc and data with its content; the programs are left out."""
        kept = {}
        for top in ("etc", "opt/stack/data/glance"):
            for path in sorted((self.root / top).rglob("*")):
                kept[str(path.relative_to(self.root))] = path.read_text() if path.is_file() else ""
        return kept

    def options(self) -> dict[str, dict[str, dict[str, str]]]:
        """What stands in each file, by section: blank lines and empty sections don't count."""
        found = {}
        for name, text in self.files().items():
            if text:
                parser = RawConfigParser(default_section="none", strict=False)
                parser.read_string(text)
                sections = {section: dict(parser[section]) for section in parser.sections()}
                found[name] = {section: held for section, held in sections.items() if held}
        return found

    def glances(self, *versions: str) -> None:
        """Let Glance have these versions: before pip runs, and from then on."""
        before, after = versions
        pip = self.calls_file
        self._program(
            "opt/stack/data/venv/bin/python3",
            f"#!/bin/sh\ngrep -qs /pip {pip} && echo {after} || echo {before}\n",
        )

    def read_as_glance(self) -> dict[str, object]:
        """The options that matter, and the driver that was loaded."""
        result = subprocess.run(
            [sys.executable, str(HARNESS / "read_as_glance.py"), str(self.root)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert result.returncode == 0, result.stderr
        read: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
        return read

    def not_inherited(self) -> list[str]:
        """What Nova would not inherit, as Nova itself reads it (nova/conf/compute.py)."""
        conf = cfg.ConfigOpts()
        default = ["cache_in_nova", "bittorrent"]
        conf.register_opt(cfg.ListOpt("non_inheritable_image_properties", default=default))
        conf([], project="nova", default_config_files=[str(self.nova_conf)])
        return list(conf.non_inheritable_image_properties)
