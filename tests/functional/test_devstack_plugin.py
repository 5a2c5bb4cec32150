# SPDX-License-Identifier: Apache-2.0
"""The DevStack plugin, run through every phase on a machine that is a temporary folder.

The files that come out are read the way Glance and Nova read theirs. DevStack's functions are
stood in for by devstack/functions.sh; ``DEVSTACK_DIR=<a checkout of DevStack>`` in the environment
runs every test a second time over DevStack's own functions, and compares the two sets.

What no function of DevStack does for us is recorded: ``sudo``, ``openstack``, ``pip`` and
``ims-manage`` are small scripts that write down how they were called.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from paste.deploy import appconfig

from ims_glance.conf import ims_jobs
from tests.functional.devstack.machine import HARNESS, ROOT, SERVICES, USER_ID, Machine

DEVSTACK = os.environ.get("DEVSTACK_DIR")


@pytest.fixture(params=["harness", *(["devstack"] if DEVSTACK else [])])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(tmp_path, DEVSTACK if request.param == "devstack" else None)


def test_every_phase_runs(machine: Machine) -> None:
    output = machine.must("stack")
    phases = ["pre-install", "install", "post-config", "extra", "test-config"]
    assert re.findall(r"^done: (.*)$", output, re.MULTILINE) == phases
    checkout = machine.stack / "ims_glance"
    (pip,) = machine.calls("/pip")
    assert pip[0] == "opt/stack/data/venv/bin/pip"
    assert pip[1] == "install"
    assert pip[-2] == "-e"
    path, _, extras = pip[-1].partition("[")
    assert Path(path).resolve() == checkout.resolve()
    assert extras == "service]"
    etc = machine.root / "etc/glance"
    files = ["--config-file", f"{etc}/glance-api.conf", "--config-dir", f"{etc}/glance-api.conf.d"]
    commands = [call[1:] for call in machine.calls("ims-manage")]
    assert commands == [[*files, "db", "sync"], ["status"]]


def test_more_requests_at_once_than_copies(machine: Machine) -> None:
    """A copy has two of Glance's requests under way, and a worker runs several copies."""
    before = machine.uwsgi_conf.read_text()
    machine.must("stack")
    uwsgi = machine.options()["etc/glance/glance-uwsgi.ini"]["uwsgi"]
    copies = next(opt.default for opt in ims_jobs.OPTS if opt.name == "threads")
    assert int(uwsgi["threads"]) >= 2 * copies
    machine.must("unstack")
    assert machine.uwsgi_conf.read_text() == before


def test_glance_knows_our_properties(machine: Machine) -> None:
    machine.must("stack")
    (call,) = machine.calls("glance-manage")
    assert call[1:6] == [
        *("--config-file", str(machine.glance_conf)),
        *("db", "load_metadefs", "--merge"),
    ]
    assert call[6:8] == ["--overwrite", "--path"]
    assert [path.suffix for path in Path(call[8]).iterdir()] == [".json"]


def test_the_worker_runs_with_glances_configuration(machine: Machine) -> None:
    machine.must("stack")
    etc = machine.root / "etc/glance"
    command = (
        f"{machine.stack}/data/venv/bin/ims-worker --config-file={etc}/glance-api.conf "
        f"--config-dir={etc}/glance-api.conf.d"
    )
    started = ["bin/systemctl", "start", "devstack@ims-worker.service", command]
    assert machine.calls("systemctl") == [started]
    (site,) = [held for name, held in machine.options().items() if name.endswith(".site.conf")]
    assert site["ims_database"]["connection"].startswith("mysql+pymysql://")
    assert site["ims_service"]["region_name"] == "RegionOne"
    assert site["ims_signature"]["enabled"] == "True"
    assert len(site["ims_backups"]["signing_secrets"]) == 64
    if machine.devstack is None:
        given = ["{7} {5}".format(*call) for call in machine.calls("openstack") if "add" in call]
        told = "ims service, ims ims_service, ims_signature reader, ims_signature service"
        assert given == [*told.split(", "), "ims member", "ims_usage admin"]
    machine.must("unstack")
    stopped = ["bin/systemctl", "stop", "devstack@ims-worker.service"]
    assert stopped in machine.calls("systemctl")


def test_glance_reads_it(machine: Machine) -> None:
    machine.must("stack")
    data = machine.stack / "data"
    read = machine.read_as_glance()
    assert read == {
        "enabled_backends": {"plain": "file", "kms": "ims-kms"},
        "default_backend": "plain",
        "flavor": "ims",
        "paste": f"{machine.root}/etc/glance/ims-glance-paste.ini",
        "driver": "ims_glance.store.driver",
        "inner": f"{data}/glance/ims-kms",
        "staging": f"{data}/glance/os_glance_staging_store/",
        "tasks": f"{data}/glance/os_glance_tasks_store/",
        "plain": f"{data}/glance/images/",
        "service_user_id": USER_ID,
        "coordination_url": None,
        "credentials": [
            "http://127.0.0.1:9/identity/v3",
            "glance",
            "s3cret&pass",
            "Default",
            "service",
            "Default",
        ],
        "barbican": ["http://127.0.0.1:9/identity/v3", "RegionOne", None],
    }


def test_the_files_of_etc_are_used_unchanged(machine: Machine) -> None:
    machine.must("stack")
    glance = machine.root / "etc/glance"
    source = ROOT / "etc/ims_glance"
    for name, target in [
        ("ims-glance-paste.ini", glance),
        ("ims-glance.conf", glance / "glance-api.conf.d"),
    ]:
        assert (target / name).read_bytes() == (source / name).read_bytes()


def test_paste_finds_glances_own_file(machine: Machine) -> None:
    """Every section resolves, with Glance's paste file beside ours as in /etc/glance."""
    machine.must("stack")
    ours = machine.root / "etc/glance/ims-glance-paste.ini"
    parser = RawConfigParser()
    parser.read(ours)
    names = [section.partition(":")[2] for section in parser.sections() if "app:" in section]
    composites = [s.partition(":")[2] for s in parser.sections() if s.startswith("composite:")]
    assert "glance-api-ims" in composites
    for name in [*names, *composites]:
        assert appconfig(f"config:{ours}", name=name) is not None


def test_the_password_is_for_glance_only(machine: Machine) -> None:
    machine.must("stack")
    for path in (machine.root / "etc").rglob("*"):
        if path.is_file() and "s3cret" in path.read_text():
            assert path.stat().st_mode & 0o777 == 0o600, path


def test_twice_is_once(machine: Machine) -> None:
    machine.must("stack")
    once = machine.files()
    machine.must("stack")
    assert machine.files() == once


def test_an_old_store_is_emptied(machine: Machine) -> None:
    """DevStack makes a new database, so what lies there belongs to nobody."""
    inner = machine.stack / "data/glance/ims-kms"
    inner.mkdir()
    (inner / "ims-old").write_text("old")
    machine.must("stack")
    assert inner.is_dir()
    assert list(inner.iterdir()) == []


def test_what_others_have_in_the_store_stays(machine: Machine) -> None:
    """Somebody names a folder that is not for the ciphertext alone."""
    inner = machine.stack / "data"
    settings = {"IMS_GLANCE_INNER_DIR": str(inner)}
    (inner / "ims-old").write_text("old")
    (inner / "theirs").write_text("theirs")
    machine.must("stack", **settings)
    assert not (inner / "ims-old").exists()
    (inner / "ims-new").write_text("new")
    machine.must("unstack", **settings)
    machine.must("clean", **settings)
    assert not (inner / "ims-new").exists()
    assert (inner / "theirs").read_text() == "theirs"


def test_unstack_takes_the_configuration_away(machine: Machine) -> None:
    before, options = machine.glance_conf.read_text(), machine.options()
    machine.must("stack")
    assert machine.options() != options
    machine.must("unstack")
    assert machine.options() == options
    assert machine.glance_conf.read_text() == before
    assert (machine.stack / "data/glance/ims-kms").is_dir()


def test_unstack_keeps_what_others_wrote(machine: Machine) -> None:
    """The operator's own directory, and sections in which more stands."""
    machine.must("stack")
    text = machine.glance_conf.read_text()
    ours = f"= {machine.stack}/data/glance/os_glance_staging_store/"
    assert ours in text
    text = text.replace(ours, "= /srv/staging")
    text = text.replace("[os_glance_tasks_store]", "[os_glance_tasks_store]\nother = 1")
    machine.glance_conf.write_text(text)
    machine.must("unstack")
    left = machine.options()["etc/glance/glance-api.conf"]
    assert left["os_glance_staging_store"] == {"filesystem_store_datadir": "/srv/staging"}
    assert left["os_glance_tasks_store"] == {"other": "1"}


def test_unstack_finds_the_copies_that_devstack_makes_meanwhile(machine: Machine) -> None:
    """Of Glance's folder for g-api-r (lib/glance), of nova.conf for n-cpu (lib/nova)."""
    glance, nova = machine.glance_conf, machine.nova_conf
    glance.write_text("[DEFAULT]\nenabled_backends = fast:file,cheap:file\n")
    before = machine.options()
    machine.must("stack")
    shutil.copytree(glance.parent, glance.parent.with_name("glance-remote"))
    shutil.copy(nova, nova.with_name("nova-cpu.conf"))
    machine.must("unstack")
    copies = {"etc/glance/": "etc/glance-remote/", "nova.conf": "nova-cpu.conf"}
    for of, copy in copies.items():
        before |= {name.replace(of, copy): options for name, options in before.items()}
    assert machine.options() == before


def test_clean_leaves_nothing(machine: Machine) -> None:
    before, options = set(machine.files()), machine.options()
    machine.must("stack")
    machine.must("unstack")
    machine.must("clean")
    assert set(machine.files()) == before
    assert machine.options() == options


def test_unstack_and_clean_of_nothing(machine: Machine) -> None:
    before = machine.files()
    machine.must("unstack")
    machine.must("clean")
    assert machine.files() == before
    machine.nova_conf.unlink()
    machine.glance_conf.unlink()
    machine.uwsgi_conf.unlink()
    machine.must("unstack")
    machine.must("clean")


def test_others_drop_ins_stay(machine: Machine) -> None:
    other = machine.root / "etc/glance/glance-api.conf.d/50-other.conf"
    other.parent.mkdir()
    other.write_text("[DEFAULT]\ndebug = False\n")
    machine.must("stack")
    machine.must("unstack")
    machine.must("clean")
    assert list(other.parent.iterdir()) == [other]


def test_multiple_stores_are_kept(machine: Machine) -> None:
    """GLANCE_ENABLE_MULTIPLE_STORES: DevStack has chosen the stores and the reserved ones."""
    fast = machine.stack / "data/glance/fast"
    staging = machine.stack / "elsewhere/staging"
    machine.glance_conf.write_text(
        "[DEFAULT]\nenabled_backends = fast:file,cheap:file\n\n"
        "[glance_store]\ndefault_backend = fast\n\n"
        f"[fast]\nfilesystem_store_datadir = {fast}\n\n"
        f"[cheap]\nfilesystem_store_datadir = {fast}-not\n\n"
        f"[os_glance_staging_store]\nfilesystem_store_datadir = {staging}\n\n"
        f"[os_glance_tasks_store]\nfilesystem_store_datadir = {staging}-tasks\n"
    )
    before = machine.options()
    machine.must("stack")
    read = machine.read_as_glance()
    assert read["enabled_backends"] == {"fast": "file", "cheap": "file", "kms": "ims-kms"}
    assert read["default_backend"] == "fast"
    assert read["staging"] == str(staging)
    machine.must("unstack")
    assert machine.options() == before


def test_file_stores_get_the_directories_that_devstack_loses(machine: Machine) -> None:
    """GLANCE_MULTIPLE_FILE_STORES=fast,cheap, one of them with a directory from local.conf."""
    machine.glance_conf.write_text(
        "[DEFAULT]\nenabled_backends = fast:file,cheap:file,remote:http\n\n"
        "[glance_store]\ndefault_backend = fast\n\n"
        "[cheap]\nfilesystem_store_datadir = /srv/cheap\n"
    )
    before = machine.glance_conf.read_text()
    machine.must("stack")
    stores = machine.options()["etc/glance/glance-api.conf"]
    fast = f"{machine.stack}/data/glance/fast/"
    assert stores["fast"] == {"filesystem_store_datadir": fast}
    assert stores["cheap"] == {"filesystem_store_datadir": "/srv/cheap"}
    assert "remote" not in stores
    machine.must("unstack")
    assert machine.glance_conf.read_text() == before


def test_a_replaced_store_is_told(machine: Machine) -> None:
    machine.glance_conf.write_text("[glance_store]\ndefault_store = swift\n")
    assert "not in swift" in machine.must("stack")


def test_nova_gets_our_property_besides_its_own(machine: Machine) -> None:
    assert machine.not_inherited() == ["cache_in_nova", "bittorrent"]
    machine.must("stack")
    assert machine.not_inherited() == ["cache_in_nova", "bittorrent", "__system__cmkid"]
    machine.must("unstack")
    assert "non_inheritable" not in machine.nova_conf.read_text()


def test_nova_keeps_the_operators_list(machine: Machine) -> None:
    machine.nova_conf.write_text(
        "[DEFAULT]\nnon_inheritable_image_properties = signature,cache_in_nova\n"
    )
    machine.must("stack")
    machine.must("stack")
    assert machine.not_inherited() == ["signature", "cache_in_nova", "__system__cmkid"]
    machine.must("unstack")
    assert machine.not_inherited() == ["signature", "cache_in_nova"]


def test_without_a_key_manager_it_stops_at_once(machine: Machine) -> None:
    before = machine.files()
    result = machine.run("stack", ENABLED_SERVICES="key,g-api,n-api")
    assert result.returncode == 1
    assert "enable_plugin barbican" in result.stderr
    assert "done: pre-install" not in result.stdout
    assert machine.files() == before


def test_an_unknown_inner_driver_is_refused(machine: Machine) -> None:
    result = machine.run("stack", IMS_GLANCE_INNER_DRIVER="cinder")
    assert result.returncode == 1
    assert "'cinder'" in result.stderr


def test_a_compute_host_is_left_alone(machine: Machine) -> None:
    before = machine.files()
    machine.must("stack", ENABLED_SERVICES="n-cpu")
    assert machine.files() == before
    assert machine.calls("") == []


def test_nova_without_glance_gets_its_line(machine: Machine) -> None:
    glance = machine.glance_conf.read_text()
    machine.must("stack", ENABLED_SERVICES="n-api,n-cpu")
    assert "__system__cmkid" in machine.not_inherited()
    assert machine.glance_conf.read_text() == glance
    assert machine.calls("") == []


def test_another_inner_driver(machine: Machine) -> None:
    machine.must("stack", IMS_GLANCE_INNER_DRIVER="s3")
    site = machine.options()["etc/glance/glance-api.conf.d/ims-glance.site.conf"]
    assert site["kms"]["ims_kms_inner_driver"] == "s3"
    assert "kms_inner" not in site
    assert machine.calls("/pip")[0][-1].endswith("[s3]")
    assert not (machine.stack / "data/glance/ims-kms").exists()


def test_tls_and_coordination(machine: Machine) -> None:
    machine.must(
        "stack",
        ENABLED_SERVICES=f"{SERVICES},tls-proxy",
        IMS_GLANCE_COORDINATION_URL="mysql://glance:secret@192.0.2.1/glance",
    )
    read = machine.read_as_glance()
    assert read["coordination_url"] == "mysql://glance:secret@192.0.2.1/glance"
    barbican = read["barbican"]
    assert isinstance(barbican, list)
    assert barbican[2] == f"{machine.stack}/data/ca-bundle.pem"


def test_an_environment_per_service(machine: Machine) -> None:
    machine.must("stack", USE_VENV="True")
    (pip,) = machine.calls("/pip")
    assert pip[0] == "opt/stack/glance.venv/bin/pip"


@pytest.mark.parametrize("version", ["33.0.0.0b3.dev7", "33.0.1.dev2"])
def test_the_glance_of_devstack_stays(machine: Machine, version: str) -> None:
    """As pip sees it: what is installed already meets our requirement."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (ours,) = [line for line in project["optional-dependencies"]["service"] if "glance>" in line]
    assert Requirement(ours).specifier.contains(version, prereleases=True)
    machine.glances(version, version)
    machine.must("stack")


def test_a_glance_that_pip_replaces_ends_it(machine: Machine) -> None:
    machine.glances("34.0.0.0b1.dev3", "33.0.0")
    result = machine.run("stack")
    assert result.returncode == 1
    assert "not for Glance 34.0.0.0b1.dev3: pip has replaced it by 33.0.0" in result.stderr


def test_a_failed_self_check_ends_it(machine: Machine) -> None:
    result = machine.run("stack", STATUS="1")
    assert result.returncode == 1
    assert "does not work" in result.stderr


def test_the_real_self_check_is_content(machine: Machine) -> None:
    """With everything but the key manager, Keystone and MySQL, which are not there."""
    machine.must("stack")
    glance = machine.root / "etc/glance"
    command = [
        str(Path(sys.executable).parent / "ims-manage"),
        *("--config-file", str(machine.glance_conf)),
        *("--config-dir", str(glance / "glance-api.conf.d")),
        "status",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    failures = [line for line in result.stdout.splitlines() if line.startswith("FAILURE")]
    keys, database, service = failures
    assert "KeyManager" in keys or "Keystone" in keys or "key manager" in keys
    assert "the database of jobs cannot be read" in database
    assert "[ims_service] cannot log in" in service
    assert "guard filter is in the pipeline of flavor ims" in result.stdout
    assert "store kms keeps its ciphertext in [kms_inner]" in result.stdout


def test_the_branch_is_said() -> None:
    """DevStack takes "master" where a plugin's line names no branch."""
    places = ["README.md", "devstack/README.md", "devstack/settings"]
    for place in [*places, "tests/functional/devstack/run.sh"]:
        lines = re.findall(r"enable_plugin ims_glance .*", (ROOT / place).read_text())
        assert lines, place
        assert [line for line in lines if not re.search(r" main\b", line)] == [], place


def test_devstack_finds_the_packages_name() -> None:
    """setup_develop reads it from the third word of this line, to leave it out of constraints."""
    lines = (ROOT / "setup.cfg").read_text().splitlines()
    assert [line.split()[2] for line in lines if line.startswith("name")] == ["ims_glance"]


# Programs of every system that the plugin uses.
PROGRAMS = {"dirname", "install", "openssl", "rm", "rmdir", "sed", "sudo"}


def _commands(script: str) -> Iterator[str]:
    """The first words of a script's commands, as far as a plain script needs it."""
    script = re.sub(r"\\\n\s*", " ", script)
    script = re.sub(r"^\s*#.*$", "", script, flags=re.MULTILINE)
    script = re.sub(r"^\s*[\w|\" *-]+\)(?=\s)", "", script, flags=re.MULTILINE)
    script = re.sub(r"\$\(", "\n", script)
    script = re.sub(r'"(?:[^"\n]|\\")*"', "WORD", script)
    for part in re.split(r"\n|;|\|\||&&|\|", script):
        words = part.replace("!", " ").split()
        while words and (words[0] in {"if", "then", "else", "elif", "do", "while"}):
            words.pop(0)
        if words and re.fullmatch(r"[a-z_][\w-]*", words[0]):
            yield words[0]


def _defined(script: Path) -> set[str]:
    return set(re.findall(r"^function (\w+) \{$", script.read_text(), re.MULTILINE))


def test_the_harness_has_what_the_plugin_calls_and_no_more() -> None:
    plugin = ROOT / "devstack/plugin.sh"
    settings = ROOT / "devstack/settings"
    builtins = set(subprocess.check_output(["bash", "-c", "compgen -bk"], text=True).split())
    called = {*_commands(plugin.read_text()), *_commands(settings.read_text())}
    foreign = called - builtins - _defined(plugin) - PROGRAMS
    offered = _defined(HARNESS / "functions.sh") - {
        "_listed",
        "command_not_found_handle",
        "enable_plugin",
        "load_plugin_settings",
        "run_plugins",
    }
    assert foreign == offered


def test_a_command_outside_the_contract_fails(tmp_path: Path) -> None:
    machine = Machine(tmp_path, None)
    checkout = machine.stack / "ims_glance"
    checkout.unlink()
    (checkout / "devstack").mkdir(parents=True)
    (checkout / "devstack/settings").write_text("define_plugin ims_glance\n")
    (checkout / "devstack/plugin.sh").write_text("get_or_create_moon full || true\n")
    result = machine.run("stack")
    assert result.returncode != 0
    assert "not in the contract: get_or_create_moon full" in result.stderr


if DEVSTACK:  # See the module's docstring.

    def test_devstack_has_the_functions_too() -> None:
        found: set[str] = set()
        common = ("functions", "functions-common", "inc/ini-config", "inc/python", "lib/database")
        for name in (*common, "stack.sh"):
            found |= _defined(Path(str(DEVSTACK)) / name)
        assert _defined(HARNESS / "functions.sh") - found == {"_listed", "command_not_found_handle"}
