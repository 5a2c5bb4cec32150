# SPDX-License-Identifier: Apache-2.0
"""The wheel holds everything, and works where it is installed.

It is built from a shallow clone without tags, as somebody has it who has just fetched the
repository. The clone is made of the files as they are now, committed or not.
"""

import configparser
import contextlib
import importlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ims_glance import conf as ims_conf
from tests.functional import installs
from tests.functional.service import SECOND_IN_S3, GlanceService

ROOT = Path(__file__).parents[2]

# Run by the fresh environment's Python; the libraries come from ours.
LOAD_EVERYTHING = """
import importlib.metadata, json
import ims_glance
from stevedore import driver
store = driver.DriverManager("glance_store.drivers", "ims-kms", invoke_on_load=False)
(script,) = importlib.metadata.entry_points(group="console_scripts", name="ims-manage")
(options,) = importlib.metadata.entry_points(group="oslo.config.opts", name="ims_glance")
print(json.dumps({
    "package": ims_glance.__file__,
    "version": importlib.metadata.version("ims_glance"),
    "driver": [store.driver.__module__, store.driver.__name__],
    "schemes": list(store.driver.get_schemes(None)),
    "manage": script.load().__module__,
    "groups": [str(group) for group, _ in options.load()()],
}))
"""


def _run(*command: str | Path, cwd: Path) -> str:
    result = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def _git(*arguments: str | Path, cwd: Path) -> str:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    return _run("git", *who, *arguments, cwd=cwd)


ETC = [path for path in (ROOT / "etc/ims_glance").rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with two commits, no tag, and today's files."""
    repository = tmp_path_factory.mktemp("origin")
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            target = repository / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
            target.chmod((ROOT / name).stat().st_mode)
    _git("init", "--quiet", "--initial-branch=main", cwd=repository)
    _git("add", "--all", cwd=repository)
    for message in ("First", "Second"):
        _git("commit", "--quiet", "--allow-empty", f"--message={message}", cwd=repository)
    return repository


@pytest.fixture(scope="module")
def clone(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of its last commit only."""
    folder = tmp_path_factory.mktemp("clones")
    _git("clone", "--quiet", "--depth=1", "--no-tags", f"file://{origin}", "clone", cwd=folder)
    return folder / "clone"


@pytest.fixture(scope="module")
def wheel(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that pip builds from the clone with the setuptools and pbr of this environment."""
    out = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    _run(sys.executable, "-m", "pip", *build, "--wheel-dir", out, ".", cwd=clone)
    (built,) = out.iterdir()
    return built


def test_all_files_are_in_it(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "ims_glance").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "ims_glance/py.typed" in package
    assert package - inside == set()
    data = {name.partition(".data/data/")[2] for name in inside if ".data/data/" in name}
    assert data == {str(path.relative_to(ROOT)) for path in ETC}
    assert any(name.endswith("/LICENSE") for name in inside)


def test_nothing_else_is_in_it(wheel: Path) -> None:
    """Neither tests nor documentation, which has packages as well."""
    assert (ROOT / "doc/ext/__init__.py").exists()
    top = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {re.sub(r"^ims_glance-[^-]+\.", "", name) for name in top} == {
        "ims_glance",
        "data",
        "dist-info",
    }


def test_the_entry_points_are_in_it(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    parser = configparser.ConfigParser(delimiters="=")
    parser.read_string(archive.read(name).decode())
    found = {section: dict(parser[section]) for section in parser.sections()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert found == {"console_scripts": project["scripts"], **project["entry-points"]}
    for group in found.values():
        for target in group.values():
            module, _, attribute = target.partition(":")
            loaded = importlib.import_module(module)
            assert not attribute or hasattr(loaded, attribute)


def test_it_has_a_version_without_any_tag(wheel: Path) -> None:
    """pbr counts commits since the last tag; a shallow clone has none to count."""
    assert wheel.name == "ims_glance-0.0.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and no library at all."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home, with_pip=False)
    install = ["install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    _run(sys.executable, "-m", "pip", "--python", home / "bin/python", *install, cwd=home)
    return home


@pytest.fixture
def environment_with_libraries(environment: Path) -> Iterator[Path]:
    """The virtual environment while it sees our libraries, but not our checkout."""
    where = "import site; print(site.getsitepackages()[0])"
    site = Path(_run(environment / "bin/python", "-c", where, cwd=environment).strip())
    # Plain paths are only searched for modules: the ".pth" files there, and so the editable
    # install of the checkout, have no effect.
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    names = site / "libraries.pth"
    names.write_text("\n".join(libraries) + "\n")
    yield environment
    names.unlink()


def test_it_works_where_it_is_installed(environment_with_libraries: Path, tmp_path: Path) -> None:
    home = environment_with_libraries
    python = home / "bin/python"
    (site,) = home.glob("lib/python3*/site-packages")
    loaded = json.loads(_run(python, "-c", LOAD_EVERYTHING, cwd=tmp_path))
    assert loaded == {
        "package": str(site / "ims_glance/__init__.py"),
        "version": "0.0.0",
        "driver": ["ims_glance.store.driver", "Store"],
        "schemes": ["ims-kms"],
        "manage": "ims_glance.cmd.program",
        "groups": [group for group, _options in ims_conf.list_opts()],
    }
    for path in ETC:
        assert (home / path.relative_to(ROOT)).read_bytes() == path.read_bytes()
    assert "rekey" in _run(home / "bin/ims-manage", "--help", cwd=tmp_path)


class Installation:
    """The wheel in an environment of its own, with what its metadata says it needs, and no more.

    :ivar extras: that were asked for
    """

    def __init__(self, home: Path, libraries: Path, extras: tuple[str, ...]) -> None:
        self._home = home
        self._libraries = libraries
        self.extras = extras
        (site,) = home.glob("lib/python3*/site-packages")
        (metadata,) = importlib.metadata.distributions(name="ims_glance", path=[str(site)])
        self.names = installs.required(metadata, extras)
        installs.view(libraries, self.names)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of the environment, or ``python`` with arguments."""
        return subprocess.run(
            [self._home / "bin" / command[0], *command[1:]],
            cwd=self._libraries.parent,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._libraries.parent),
                "PYTHONWARNINGS": "ignore",
                **environment,
                "PYTHONPATH": str(self._libraries),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def openstack(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command ``openstack``, whose script lies in our own environment."""
        script = "import sys; from openstackclient import shell; sys.exit(shell.main(sys.argv[1:]))"
        return self.run("python", "-c", script, *arguments)

    @contextlib.contextmanager
    def shows(self, folder: Path) -> Iterator[None]:
        """Another folder is among the libraries meanwhile."""
        link = self._libraries / folder.name
        link.symlink_to(folder)
        yield
        link.unlink()

    def failures(self) -> dict[str, str]:
        """The modules and entry points that fail: name -> why."""
        done = self.run("python", "-c", TRY_EVERYTHING)
        assert done.returncode == 0, done.stderr
        found: dict[str, str] = json.loads(done.stdout)
        return found


# Run by the environment's Python. (Alembic alone runs the modules of migrations.)
TRY_EVERYTHING = """
import gc, importlib, importlib.metadata, json, pkgutil
gc.disable()  # all that is loaded stays
import ims_glance
tries = {}
for found in pkgutil.walk_packages(ims_glance.__path__, "ims_glance.", onerror=lambda _: None):
    if ".migrations." not in found.name:
        tries[found.name] = lambda name=found.name: importlib.import_module(name)
for point in importlib.metadata.distribution("ims_glance").entry_points:
    tries[f"{point.group}: {point.name}"] = point.load
failures = {}
for name, attempt in tries.items():
    try:
        attempt()
    except BaseException as error:
        failures[name] = f"{type(error).__name__}: {error}"
assert len(tries) > 100
print(json.dumps(failures))
"""

# What cannot be imported without a library of another extra.
OF_EXTRAS = {
    "market": {
        "ims_glance.jobs.market.ecosystems",
        "ims_glance.jobs.market.matching",
        "ims_glance.jobs.market.severity",
    },
    "s3": {
        "ims_glance.store.inner.s3",
        "ims_glance.clouds.objects.s3",
        "ims_glance.object_stores: s3",
    },
    "swift": {"ims_glance.store.inner.swift"},
}


@pytest.fixture(scope="module")
def installation(
    request: pytest.FixtureRequest, environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    """The wheel with the extras that the test asks for."""
    return Installation(environment, tmp_path_factory.mktemp("view") / "libraries", request.param)


@pytest.mark.parametrize("installation", [()], indirect=True)
def test_the_client_alone(installation: Installation) -> None:
    """It does not bring the server, and works without it."""
    assert not installation.names & {"glance", "glance-store", "taskflow", "oslo-messaging"}
    failing = installation.failures()
    assert [name for name in failing if ".client" in name or name.startswith("openstack.")] == []
    assert "ims_glance.cmd.program" not in failing
    assert [name for name in failing if name.startswith("console_scripts")] == []
    # The others lack something, and are not broken.
    assert {why.split(":")[0] for why in failing.values()} == {"ModuleNotFoundError"}
    done = installation.openstack("ims", "image", "list", "--help")
    assert done.returncode == 0, done.stderr
    assert "--member-status" in done.stdout
    assert "ims image create" in installation.openstack("ims", "--help").stdout
    for program in ("ims-manage", "ims-status", "ims-worker"):
        done = installation.run(program, "--help")
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"{program}: the service is not installed here, which needs glance")
        assert line.endswith("pip install 'ims_glance[service]' where Glance runs")


@pytest.mark.parametrize("installation", [("service",), ("s3",), ("swift",)], indirect=True)
def test_the_service(installation: Installation) -> None:
    """With each extra everything can be imported but what belongs to the others."""
    others = [each for extra, each in OF_EXTRAS.items() if extra not in installation.extras]
    failing = installation.failures()
    # Those of the console need Horizon, which runs elsewhere.
    console = {name for name in failing if name.startswith("ims_glance.dashboard.")}
    assert {failing[name].split(":")[0] for name in console} == {"ModuleNotFoundError"}
    assert set(failing) - console == set().union(*others)


@pytest.mark.parametrize("installation", [("service",)], indirect=True)
def test_the_programs_of_the_service(installation: Installation, tmp_path: Path) -> None:
    """With a Glance whose second store is in S3, for which the library is not there."""
    for program in ("ims-manage", "ims-status", "ims-worker"):
        done = installation.run(program, "--help")
        assert done.returncode == 0, done.stderr
        assert "--config-file" in done.stdout
    assert "ims image create" in installation.openstack("ims", "--help").stdout
    service = GlanceService(tmp_path / "glance", SECOND_IN_S3)
    service.configure()
    # Its keys are the tests'.
    with installation.shows(ROOT / "tests"):
        done = installation.run("ims-manage", "status", **service.environment)
    assert done.stderr == "ims-manage: 1 check(s) failed\n"
    lines = done.stdout.splitlines()
    (failure,) = [line for line in lines if line.startswith("FAILURE")]
    assert "store kms2:" in failure
    assert "pip install 'ims_glance[s3]'" in failure
    assert sum(line.startswith("OK") for line in lines) > 5


def test_release_notes_are_in_order(origin: Path) -> None:
    reno = Path(sys.executable).parent / "reno"
    _run(reno, "lint", cwd=origin)
    assert "ims-kms" in _run(reno, "report", cwd=origin)
