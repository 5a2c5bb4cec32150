# SPDX-License-Identifier: Apache-2.0
"""``ims-status upgrade check``: what an upgrade of ims_glance needs before Glance is started again.

As other services' ``status`` commands it ends with 0 if nothing is to be done, 1 for warnings, 2 for
failures, and 255 if something cannot be asked. ``ims-manage status`` checks all the rest.
"""

import configparser
import importlib
import re
import sys
from collections.abc import Callable, Iterator

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck
from oslo_upgradecheck.upgradecheck import Code, Result

from ims_glance import conf as ims_conf
from ims_glance.cmd import checks, configuration

# Without these there is no guard, or no IMS API.
_INDISPENSABLE = frozenset(
    {
        "ims_glance.api.front.dispatch:root_factory",
        "ims_glance.api.ims.app:factory",
        "ims_glance.api.native.guard:filter_factory",
    }
)
FACTORIES = _INDISPENSABLE | {
    "ims_glance.api.front.audit:filter_factory",
    "ims_glance.api.front.refusals:filter_factory",
    "ims_glance.api.front.signature:filter_factory",
}
"""What the paste file of this version names of ours."""

_UNUSABLE = 255
_CODES = {checks.OK: Code.SUCCESS, checks.WARNING: Code.WARNING, checks.FAILURE: Code.FAILURE}


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    :param argv: arguments without the program's name; ``None`` for those of the process
    :returns: the exit status
    """
    # Registers Glance's options.
    from glance.common import wsgi_app  # noqa: F401, PLC0415

    conf = cfg.CONF
    ims_conf.register_opts(conf)
    given = sys.argv[1:] if argv is None else argv
    if not any(each.startswith("--config-dir") for each in given):
        # By itself it would look for drop-ins of a service that is called like this command.
        given = [*(f"--config-dir={each}" for each in configuration.drop_ins()), *given]
    try:
        code = upgradecheck.main(conf, "glance", Checks(conf), given, configuration.files())
    except cfg.Error as error:
        print(f"ims-status: {error}", file=sys.stderr)
        return _UNUSABLE
    return int(code)


def check_paste(conf: cfg.ConfigOpts) -> Iterator[checks.CheckResult]:
    """The paste file is that of this version.

    It is copied when ims_glance is installed, and names modules that a new version may have moved.
    """
    path = conf.paste_deploy.config_file or ""
    try:
        named = set(_factories(path))
    except (configparser.Error, UnicodeDecodeError) as error:
        yield checks.CheckResult(
            checks.FAILURE, f"Glance cannot read {path}: {type(error).__name__}"
        )
        return
    wrong = sorted(factory for factory in named if not _is_there(factory))
    missing = sorted(FACTORIES - named, key=lambda each: (each not in _INDISPENSABLE, each))
    if not wrong and not missing:
        yield checks.CheckResult(checks.OK, f"{path} names what there is in this ims_glance")
        return
    is_fatal = bool(wrong) or missing[0] in _INDISPENSABLE
    what = f"names {wrong[0]}, which is not there" if wrong else f"does not name {missing[0]}"
    yield checks.CheckResult(
        checks.FAILURE if is_fatal else checks.WARNING,
        f"the paste file ({path or '[paste_deploy] config_file is not set'}) {what}: copy "
        "ims-glance-paste.ini of this ims_glance again, and add what is yours",
    )


def _factories(path: str) -> Iterator[str]:
    """All that a paste file names of ours."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read(path)
    for section in parser.sections():
        for option, value in parser[section].items():
            if re.fullmatch(r"paste\.\w+_factory", option) and value.startswith("ims_glance."):
                yield value


def _is_there(factory: str) -> bool:
    module, _colon, name = factory.partition(":")
    try:
        return hasattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return False


class Checks(upgradecheck.UpgradeCommands):
    """What an upgrade can break."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__()
        self._conf = conf

    def _configuration(self) -> Result:
        if self._conf.enabled_backends:
            return Result(Code.SUCCESS)
        return Result(
            Code.FAILURE,
            "found no Glance configuration with enabled_backends: name it with --config-file",
        )

    def _database(self) -> Result:
        return self._worst(checks.check_database)

    def _paste(self) -> Result:
        return self._worst(check_paste)

    def _protections(self) -> Result:
        return self._worst(checks.check_protections)

    def _worst(self, check: Callable[[cfg.ConfigOpts], Iterator[checks.CheckResult]]) -> Result:
        """The worst of what a check of ``ims-manage status`` finds."""
        found = [Result(_CODES[each.level], each.text) for each in check(self._conf)]
        return max(found, key=lambda each: each.code)

    _upgrade_checks = (
        ("Configuration", _configuration),
        ("Database of jobs", _database),
        ("Paste configuration", _paste),
        ("Property protections", _protections),
    )


if __name__ == "__main__":
    sys.exit(main())
