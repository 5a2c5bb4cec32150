# SPDX-License-Identifier: Apache-2.0
"""Self-checks: each tells the good case from the bad one."""

import glance_store
import pytest
from oslo_config import cfg

from ims_glance.cmd import checks
from tests.base import in_child, mount
from tests.functional.service import ETC
from tests.unit.clouds.barbican_server import SERVICE_PASSWORD
from tests.unit.clouds.keystone_server import SERVICE_USER
from tests.unit.conftest import make_conf

PROTECTIONS = ETC / "property-protections.conf"

PIPELINE = """
[composite:api]
use = egg:Paste#urlmap
plain = cors context rootapp
ims = cors context {filters} config:glance-api-paste.ini#rootapp
ims+cachemanagement = cors context ims_guard cache config:glance-api-paste.ini#rootapp

[filter:cors]
paste.filter_factory = oslo_middleware.cors:filter_factory

[filter:ims_guard]
paste.filter_factory = ims_glance.api.native.guard:filter_factory

[filter:cache]
paste.filter_factory = glance.api.middleware.cache:CacheFilter.factory
"""


@pytest.fixture
def options(tmp_path, vault_options):
    """Options of a Glance that is as it should be."""
    (tmp_path / "paste.ini").write_text(PIPELINE.format(filters="ims_guard"))
    return {
        "DEFAULT": {
            "enabled_backends": "plain:file,kms:ims-kms",
            "image_cache_dir": "/var/cache/images",
            "enabled_import_methods": "",
            "show_multiple_locations": False,
            "property_protection_file": PROTECTIONS,
        },
        "paste_deploy": {"flavor": "ims", "config_file": tmp_path / "paste.ini"},
        "kms": {"ims_kms_inner_driver": "file"},
        "kms_inner": {"filesystem_store_datadir": tmp_path / "inner"},
        "os_glance_staging_store": {"filesystem_store_datadir": tmp_path / "staging"},
        "ims_backups": {"signing_secrets": "n" * 32},
        **vault_options,
    }


@pytest.fixture
def results(tmp_path, options):
    """Call a check with the options as they are then: its levels, and all its text."""

    def call(check) -> tuple[list[str], str]:
        conf = make_conf(tmp_path / "glance.conf", options)
        register_glances_options(conf)
        found = list(check(conf))
        return [result.level for result in found], "\n".join(result.text for result in found)

    return call


def register_glances_options(conf: cfg.ConfigOpts) -> None:
    """Those that the checks look at."""
    conf.register_opts(
        [
            cfg.DictOpt("enabled_backends"),
            cfg.ListOpt("enabled_import_methods"),
            cfg.BoolOpt("show_multiple_locations"),
            cfg.StrOpt("image_cache_dir"),
            cfg.StrOpt("property_protection_file"),
        ]
    )
    conf.register_opts([cfg.StrOpt("flavor"), cfg.StrOpt("config_file")], group="paste_deploy")
    glance_store.register_store_opts(conf, reserved_stores={"os_glance_staging_store": "file"})


@pytest.mark.parametrize(
    "check", [check for check in checks.CHECKS if check is not checks.check_coordination]
)
def test_all_is_well(results, check):
    levels, _text = results(check)
    assert set(levels) <= {checks.OK}


def test_a_driver_that_is_not_installed(results, monkeypatch):
    monkeypatch.setattr("ims_glance.store.driver.SCHEME", "ims-unheard-of")
    levels, text = results(checks.check_driver)
    assert levels == [checks.FAILURE]
    assert "is ims_glance installed" in text


def test_stores(results, options):
    options["DEFAULT"]["enabled_backends"] += ",second:ims-kms"
    options["second"] = {}
    levels, text = results(checks.check_stores)
    assert levels == [checks.OK, checks.FAILURE]
    assert "store kms keeps its ciphertext in [kms_inner]" in text
    assert "store second" in text
    assert "ims_kms_inner_driver is not set" in text


def test_stores_in_one_place(results, options):
    options["DEFAULT"]["enabled_backends"] += ",second:ims-kms"
    options["second"] = {"ims_kms_inner_driver": "file"}
    options["second_inner"] = dict(options["kms_inner"])
    levels, text = results(checks.check_stores)
    assert levels == [checks.OK, checks.FAILURE]
    assert "stores kms and second keep their ciphertext in one place" in text


@pytest.mark.parametrize("backends", ["plain:file", ""])
def test_no_encrypting_store(results, options, backends):
    options["DEFAULT"]["enabled_backends"] = backends
    levels, text = results(checks.check_stores)
    assert levels == [checks.FAILURE]
    assert "lists no ims-kms store" in text


def test_an_inner_store_that_cannot_be_reached(results, options, tmp_path):
    (tmp_path / "file").touch()
    options["kms_inner"]["filesystem_store_datadir"] = tmp_path / "file" / "inner"
    levels, text = results(checks.check_stores)
    assert levels == [checks.FAILURE]
    assert "Unable to create datadir" in text


@pytest.mark.parametrize("filters", ["", "cors"])
def test_no_guard(results, options, tmp_path, filters):
    (tmp_path / "paste.ini").write_text(PIPELINE.format(filters=filters))
    levels, text = results(checks.check_pipeline)
    assert levels == [checks.FAILURE]
    assert "not in Glance's pipeline" in text


@pytest.mark.parametrize(
    "change", [{"flavor": "plain"}, {"flavor": "none"}, {"config_file": "/nowhere"}, {"flavor": ""}]
)
def test_another_pipeline(results, options, change):
    options["paste_deploy"].update(change)
    assert checks.FAILURE in results(checks.check_pipeline)[0]


@pytest.mark.parametrize("text", ["no section\n", "[composite:api]\nims\n", "\xff"])
def test_a_pipeline_that_cannot_be_read(results, tmp_path, text):
    (tmp_path / "paste.ini").write_text(text, encoding="latin-1")
    levels, said = results(checks.check_pipeline)
    assert levels == [checks.FAILURE]
    assert f"Glance cannot read {tmp_path}/paste.ini" in said


def test_attributes_that_everybody_may_write(results, options, tmp_path):
    del options["DEFAULT"]["property_protection_file"]
    levels, text = results(checks.check_protections)
    assert levels == [checks.FAILURE]
    assert "__account_code, __backup_id, __capture and " in text


def test_protections_of_an_earlier_version(results, options, tmp_path):
    """The file was copied when ims_glance was installed, and not again."""
    old = PROTECTIONS.read_text().replace("|__store_key", "")
    (tmp_path / "old.conf").write_text(old)
    options["DEFAULT"]["property_protection_file"] = tmp_path / "old.conf"
    levels, text = results(checks.check_protections)
    assert levels == [checks.FAILURE]
    assert "attributes __store_key of" in text


@pytest.mark.parametrize("text", [None, "no section\n", "[(]\ncreate = admin\n"])
def test_protections_that_cannot_be_read(results, options, tmp_path, text):
    path = tmp_path / "protections.conf"
    if text:
        path.write_text(text)
    options["DEFAULT"]["property_protection_file"] = path
    levels, said = results(checks.check_protections)
    assert (levels, str(path) in said) == ([checks.FAILURE], True)


def test_an_image_cache(results, options):
    options["paste_deploy"]["flavor"] = "ims+cachemanagement"
    levels, text = results(checks.check_pipeline)
    assert levels == [checks.OK, checks.WARNING]
    assert "/var/cache/images" in text


def test_a_key_manager_that_is_away(results, vault):
    vault.away = True
    levels, text = results(checks.check_key_manager)
    assert levels == [checks.FAILURE]
    assert "IMG.0014" in text


@pytest.mark.parametrize("name", ["auth_url", "username", "password"])
def test_an_option_of_the_key_manager_that_is_missing_is_named(tmp_path, barbican_server, name):
    url = f"{barbican_server.url}/v3"
    options = {"auth_url": url, "username": "glance", "password": SERVICE_PASSWORD}
    del options[name]
    login = {"backend": "barbican", "auth_type": "keystone_password", **options}
    endpoints = {"barbican_endpoint": barbican_server.url, "auth_endpoint": url}
    conf = make_conf(tmp_path / "a.conf", {"key_manager": login, "barbican": endpoints})
    [found] = checks.check_key_manager(conf)
    assert found.level == checks.FAILURE
    assert f"the operator has to set {name} in [key_manager]" in found.text
    assert barbican_server.requests == []


def test_a_key_is_made_and_nothing_is_left(results, options, vault):
    options["key_manager"]["project_id"] = "service"
    levels, text = results(checks.check_key_manager)
    assert levels == [checks.OK]
    assert "a key was made, read and deleted" in text
    assert vault.keys() == []


def test_a_key_manager_that_is_not_as_we_know_it(results, monkeypatch):
    def rehearse(_self):
        raise cfg.NoSuchOptError("username", cfg.OptGroup("key_manager"))

    monkeypatch.setattr("ims_glance.keys.KeyManager.rehearse", rehearse)
    levels, text = results(checks.check_key_manager)
    assert levels == [checks.FAILURE]
    assert "no such option username in group [key_manager]" in text


def test_a_library_that_cannot_encrypt(results, monkeypatch):
    """As a function of cryptography that another version has not got."""
    monkeypatch.delattr("ims_glance.crypto.stream.Cipher")
    levels, text = results(checks.check_encryption)
    assert levels == [checks.FAILURE]
    assert "nothing can be encrypted" in text


@pytest.mark.parametrize("error", [OSError(5, "the disk is broken"), RuntimeError()])
def test_a_store_that_cannot_be_read(results, monkeypatch, error):
    def objects(_self):
        raise error

    monkeypatch.setattr("ims_glance.store.inner.file.FileInner.objects", objects)
    levels, text = results(checks.check_stores)
    assert levels == [checks.FAILURE]
    assert text in ("store kms: [Errno 5] the disk is broken", "store kms: RuntimeError")


def test_a_key_manager_that_refuses_the_service(results, options):
    options["key_manager"]["auth_type"] = "token"
    levels, text = results(checks.check_key_manager)
    assert levels == [checks.FAILURE]
    assert "no usable credentials" in text


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("", checks.WARNING),
        ("file:///var/lock", checks.WARNING),
        ("mysql://user:very-secret@host/db", checks.OK),
        ("nothing://user:very-secret@host/db", checks.FAILURE),
    ],
)
def test_coordination(results, options, url, level):
    options["ims_kms"]["coordination_url"] = url
    levels, text = results(checks.check_coordination)
    assert levels == [level]
    assert "very-secret" not in text


@pytest.mark.parametrize(("kind", "level"), [("tmpfs", checks.OK), (None, checks.WARNING)])
def test_staging(results, options, tmp_path, kind, level):
    options["DEFAULT"]["enabled_import_methods"] = "glance-direct"
    (tmp_path / "staging").mkdir()

    def check():
        if kind:
            mount(kind, tmp_path / "staging")
        return results(checks.check_staging)

    levels, text = in_child(check)
    assert levels == [level]
    assert str(tmp_path / "staging") in text


def test_without_imports_nothing_is_staged(results):
    assert results(checks.check_staging) == ([], "")


def test_locations_that_tenants_can_edit(results, options):
    options["DEFAULT"]["show_multiple_locations"] = True
    assert results(checks.check_locations)[0] == [checks.WARNING]


def test_backups_by_a_driver_that_is_not_installed(results, options):
    options["ims_backups"] = {"driver": "tape"}
    levels, text = results(checks.check_backups)
    assert (levels, "tape" in text) == ([checks.FAILURE], True)


@pytest.fixture
def with_jobs(options, keystone, tables):
    """Where there are jobs, and Cinder."""
    options["ims_database"] = {"connection": tables.conf.ims_database.connection}
    options["ims_service"] = {"auth_type": "password", **keystone.login}
    keystone.services.append("block-storage")


def test_jobs(results, with_jobs):
    levels, text = results(checks.check_jobs)
    assert levels == [checks.OK] * 2
    assert SERVICE_USER in text


def test_no_jobs(results):
    for check in (checks.check_jobs, checks.check_backups):
        levels, text = results(check)
        assert (levels, "there are no" in text) == ([checks.OK], True)


@pytest.mark.parametrize("url", ["sqlite:////{}/nothing.sqlite", "sqlite:////nowhere/{}/x.sqlite"])
def test_a_database_without_tables(results, options, with_jobs, tmp_path, url):
    options["ims_database"]["connection"] = url.format(tmp_path)
    levels, text = results(checks.check_jobs)
    assert levels == [checks.FAILURE, checks.OK]
    assert "run 'ims-manage db sync'" in text or "cannot be read" in text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql+pymysql://ims:very-secret@127.0.0.1:1/ims", "cannot be read: "),
        # As where PyMySQL is not installed.
        ("mysql+unheardof://ims:very-secret@127.0.0.1:1/ims", "cannot be read"),
        ("ims:very-secret@127.0.0.1", "cannot be read"),
    ],
)
def test_a_database_that_is_away(results, options, with_jobs, url, words):
    """It is told at once, and without the password."""
    options["ims_database"]["connection"] = url
    levels, text = results(checks.check_jobs)
    assert levels == [checks.FAILURE, checks.OK]
    assert words in text
    assert "very-secret" not in text


def test_a_service_that_cannot_log_in(results, with_jobs, keystone):
    keystone.users_out.add(SERVICE_USER)
    levels, text = results(checks.check_jobs)
    assert levels == [checks.OK, checks.FAILURE]
    assert "[ims_service] cannot log in" in text
    assert "very-secret" not in text
    levels, text = results(checks.check_backups)
    assert (levels, "is not known" in text) == ([checks.WARNING], True)


def test_a_cloud_without_cinder(results, with_jobs, keystone):
    keystone.services.clear()
    levels, text = results(checks.check_backups)
    assert (levels, "no backups of servers" in text) == ([checks.OK], True)


def test_backups_without_signatures(results, options, with_jobs):
    del options["ims_backups"]
    levels, text = results(checks.check_backups)
    assert (levels, "signing_secrets" in text) == ([checks.OK, checks.WARNING], True)
    options["ims_backups"] = {"signing_secrets": f"{'n' * 32},{'o' * 32}"}
    assert results(checks.check_backups)[0] == [checks.OK] * 2
    options["ims_backups"] = {"signing_secrets": f"{'n' * 32},short"}
    levels, text = results(checks.check_backups)
    assert (levels, "5 characters" in text, "nnn" in text) == ([checks.FAILURE], True, False)


def test_the_file_system_is_that_of_the_directory_itself(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "c").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a b" / "c")
    (tmp_path / "a bc").mkdir()

    def ask():
        before = checks._file_system(str(tmp_path))
        mount("ramfs", tmp_path / "a b")
        (tmp_path / "a b" / "c").mkdir()
        inside = [checks._file_system(str(tmp_path / each)) for each in ("a b", "a b/c", "link")]
        beside = checks._file_system(str(tmp_path / "a bc"))
        return inside, beside == before

    assert in_child(ask) == (["ramfs"] * 3, True)
