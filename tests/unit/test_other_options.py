# SPDX-License-Identifier: Apache-2.0
"""Options of other libraries: each is registered by the time that we read it.

Many libraries register theirs when they are first used, and one that is not registered yet is an
error (``NoSuchOptError``), which depends on what has run before. So all places that read one are
found in the code, stand in a table here, and are tried in a process that has done nothing else.
(Such processes are forked from one that has loaded libraries that know of no options: a library that
registers one needs ``oslo_config``, and that one has not got it.)
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ims_glance import conf as ims_conf

ROOT = Path(__file__).parents[2]
OURS = {str(group) for group, _options in ims_conf.list_opts()}
# What a configuration is called in our code, and what is no option of it.
CONFIGURATIONS = {"conf", "CONF", "_conf"}
METHODS = {
    "register_opt", "register_opts", "register_cli_opt", "import_opt", "set_default",
    "get_location", "command", "find_file", "set_override", "clear_override",
}  # fmt: skip

GLANCE = """
import glance_store
from glance.common import config, wsgi_app
config.parse_args([])
conf.set_override("enabled_backends", {"plain": "file", "kms": "ims-kms"})
glance_store.register_store_opts(conf, reserved_stores=wsgi_app.RESERVED_STORES)
"""
GUARD = """
from ims_glance.api.native import guard
guard.enabled_stores(conf)
"""
DISPATCH = """
from ims_glance.api.front import dispatch
class Loader:
    get_app = print
conf([])
dispatch.root_factory(Loader(), {}, native="", ims="")
"""
BARBICAN = """
from ims_glance.clouds.barbican import Barbican
conf([])
Barbican(conf)
"""
IMAGE = """
from ims_glance.clouds import image
conf([])
list(image._locations({"locations": []}))
"""
MANAGE = """
from pathlib import Path
from ims_glance.cmd import manage
Path("glance-api.conf").write_text("[DEFAULT]\\nenabled_backends = plain:file\\n")
manage._read_configuration(conf, ["--config-file", "glance-api.conf", "status"])
"""
CHECKS = """
from ims_glance.cmd import checks
conf.set_override("flavor", "caching", group="paste_deploy")
list(checks.check_pipeline(conf))
list(checks.check_protections(conf))
"""
STATUS = """
from pathlib import Path
from ims_glance.cmd import status
Path("glance-api.conf").write_text("[DEFAULT]\\nenabled_backends = plain:file\\n")
status.main(["--config-file", "glance-api.conf", "upgrade", "check"])
"""
KEYS = """
from ims_glance import keys
conf([])
keys.KeyManager(conf)
"""

SPOOLS = """
from ims_glance import conf as ims_conf
from ims_glance.store import spools
conf([])
ims_conf.register_opts(conf)
try:
    spools.find(conf)
except spools.NoSpool:
    pass
"""

# Module -> how a process of the service gets there, step by step, and what is read. "*" is a store's
# own group.
READ: dict[str, tuple[list[str], list[str]]] = {
    # Glance has read its configuration before it loads a paste file.
    "api/native/guard.py": (
        [GLANCE, GUARD],
        ["enabled_backends", "glance_store.default_backend", "*.weight"],
    ),
    "api/native/image.py": ([GLANCE], ["show_multiple_locations"]),
    # It asks whether there is such an option.
    "api/common/quota.py": ([GLANCE], ["use_keystone_limits"]),
    "api/front/dispatch.py": ([DISPATCH], ["max_request_id_length"]),
    "clouds/barbican.py": (
        [BARBICAN],
        [
            "barbican.barbican_api_version",
            "barbican.barbican_endpoint",
            "barbican.barbican_endpoint_type",
            "barbican.barbican_region_name",
            "barbican.timeout",
            "barbican.verify_ssl",
            "barbican.verify_ssl_path",
            "key_manager.auth_url",
            "key_manager.domain_id",
            "key_manager.domain_name",
            "key_manager.password",
            "key_manager.project_domain_id",
            "key_manager.project_domain_name",
            "key_manager.project_id",
            "key_manager.project_name",
            "key_manager.reauthenticate",
            "key_manager.trust_id",
            "key_manager.user_domain_id",
            "key_manager.user_domain_name",
            "key_manager.user_id",
            "key_manager.username",
        ],
    ),
    "keys/__init__.py": (
        [KEYS],
        [
            "key_manager.auth_url",
            "key_manager.backend",
            "key_manager.password",
            "key_manager.user_id",
            "key_manager.username",
        ],
    ),
    "clouds/image.py": ([IMAGE], ["metadata_encryption_key"]),
    "cmd/checks.py": (
        [MANAGE, CHECKS],
        [
            "enabled_backends",
            "enabled_import_methods",
            "image_cache_dir",
            "os_glance_staging_store.filesystem_store_datadir",
            "paste_deploy.config_file",
            "paste_deploy.flavor",
            "property_protection_file",
            "show_multiple_locations",
        ],
    ),
    "cmd/manage.py": ([MANAGE], ["enabled_backends", "log_dir", "log_file"]),
    "cmd/status.py": ([STATUS], ["enabled_backends", "paste_deploy.config_file"]),
    # A store of ours is made by glance_store, to which Glance has told that.
    "store/driver.py": ([GLANCE], ["enabled_backends"]),
    # A worker has not got Glance's own.
    "store/spools.py": ([SPOOLS], ["enabled_backends"]),
}
GROUPS = {
    option.partition(".")[0]
    for _how, options in READ.values()
    for option in options
    if "." in option
}


def read(source: str) -> Iterator[str]:
    """The options that a module reads, as ``option`` or ``group.option``, without those of ours."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            for found in _read(function):
                if found.split(".")[0] not in OURS | METHODS:
                    yield found


def _read(function: ast.FunctionDef) -> Iterator[str]:
    groups = dict(_named_groups(function))
    attributes = [node for node in ast.walk(function) if isinstance(node, ast.Attribute)]
    # What stands for a group, and is no option.
    inner = {node.value for node in attributes} | {value for value, _name in groups.values()}
    for node in attributes:
        owner = node.value
        if isinstance(owner, ast.Attribute) and _is_configuration(owner.value):
            yield f"{owner.attr}.{node.attr}"
        elif isinstance(owner, ast.Name) and owner.id in groups:
            yield f"{groups[owner.id][1]}.{node.attr}"
        elif _is_configuration(owner) and node not in inner:
            yield node.attr
        elif isinstance(owner, ast.Subscript) and "GROUP" not in ast.unparse(owner.slice):
            yield from [f"*.{node.attr}"] * _is_configuration(owner.value)


def _named_groups(function: ast.FunctionDef) -> Iterator[tuple[str, tuple[ast.expr, str]]]:
    """The variables that stand for a group: name, and the group's expression and name."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute):
            is_group = _is_configuration(node.value.value) and node.value.attr in GROUPS
            if is_group and isinstance(node.targets[0], ast.Name):
                yield node.targets[0].id, (node.value, node.value.attr)


def _is_configuration(node: ast.AST) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)
    return name in CONFIGURATIONS


def _modules() -> dict[str, set[str]]:
    package = ROOT / "ims_glance"
    found = {
        str(path.relative_to(package)): set(read(path.read_text()))
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] not in ("client", "conf")
    }
    return {name: options for name, options in found.items() if options}


def test_the_table_is_whole() -> None:
    assert _modules() == {module: set(options) for module, (_how, options) in READ.items()}


# Run by a Python that has loaded nothing yet. Each step of each way is done once, in a process that is
# forked from where the way had led before, and so is each module asked about.
TRY_ALL = """
import gc, json, os, sys, traceback
from functools import reduce

# All that is loaded stays.
gc.disable()

import alembic, cryptography.x509, eventlet, futurist, jsonschema, lxml.etree, requests, routes
import sqlalchemy.orm, sqlalchemy_utils, stevedore, webob, wsme, yaml

assert "oslo_config" not in sys.modules

def in_child(function, *arguments):
    child = os.fork()
    if child == 0:
        try:
            function(*arguments)
        finally:
            os._exit(0)
    os.waitpid(child, 0)

def tell(modules, why):
    for module in modules:
        with open(module.replace("/", "-"), "w") as told:
            told.write(why)

def ask(module, options, conf):
    try:
        for option in options:
            reduce(getattr, option.split("."), conf)
    except BaseException:
        tell([module], traceback.format_exc())
    else:
        tell([module], "all are registered")

def go(step, ways):
    from oslo_config import cfg
    try:
        exec(step, {"conf": cfg.CONF})
    except BaseException:
        tell([module for module, _, _ in ways], traceback.format_exc())
    else:
        follow(ways)

def follow(ways):
    steps = {}
    for module, way, options in ways:
        if way:
            steps.setdefault(way[0], []).append((module, way[1:], options))
        else:
            from oslo_config import cfg
            in_child(ask, module, options, cfg.CONF)
    for step, rest in steps.items():
        in_child(go, step, rest)

follow(json.load(sys.stdin))
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What became of each module's options."""
    folder = tmp_path_factory.mktemp("outcomes")
    ways = [
        (module, way, [option.replace("*", "kms") for option in options])
        for module, (way, options) in READ.items()
    ]
    done = subprocess.run(
        [sys.executable, "-c", TRY_ALL],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "HOME": str(folder), "OS_GLANCE_CONFIG_DIR": str(folder)},
        input=json.dumps(ways),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    told = {module: folder / module.replace("/", "-") for module in READ}
    return {module: file.read_text() for module, file in told.items() if file.exists()}


@pytest.mark.parametrize("module", READ)
def test_they_are_registered(outcomes: dict[str, str], module: str) -> None:
    assert outcomes.get(module) == "all are registered"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("conf.key_manager.username", ["key_manager.username"]),
        ("self._conf.barbican.verify_ssl", ["barbican.verify_ssl"]),
        ("options = cfg.CONF.barbican\nprint(options.verify_ssl)", ["barbican.verify_ssl"]),
        ("conf.enabled_backends", ["enabled_backends"]),
        ("conf[store].weight", ["*.weight"]),
        ("conf.ims_kms.cache_size", []),
        ("conf.register_opts(x)", []),
    ],
)
def test_what_is_read_is_found(statement: str, found: list[str]) -> None:
    lines = "".join(f"    {line}\n" for line in statement.splitlines())
    assert list(read(f"def function():\n{lines}")) == found
