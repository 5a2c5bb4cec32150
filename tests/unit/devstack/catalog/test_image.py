# SPDX-License-Identifier: Apache-2.0
import configparser

import pytest
from pocket_cloud import actions, template
from pocket_cloud.catalog import image
from pocket_cloud.cloud import CHECKOUT, Cloud

PLUGIN = CHECKOUT / "etc" / "ims_glance"


@pytest.fixture
def real(tmp_path):
    cloud = Cloud(home=tmp_path / "home", venv=tmp_path / "venv", checkout=CHECKOUT)
    template.write(cloud.venv / "etc" / "glance" / "glance-api-paste.ini", "")
    return cloud


def configuration(cloud, service):
    """What Glance sees: its own file, then the drop-in files in the order of their names."""
    actions.write_files(cloud, service)
    folder = cloud.path("etc", service.name)
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    drop_ins = sorted((folder / ".glance" / "glance-api.conf.d").glob("*.conf"))
    parser.read([folder / "glance-api.conf", *drop_ins])
    return parser


@pytest.mark.parametrize("service", [image.ONE_LIGHT, image.ONE, image.TWO])
def test_the_plugin_is_installed_from_its_own_files(real, service):
    actions.write_files(real, service)
    folder = real.path("etc", service.name)
    for name, place in (
        ("ims-glance-paste.ini", folder),
        ("ims-glance.conf", folder / ".glance" / "glance-api.conf.d"),
    ):
        assert (place / name).read_bytes() == (PLUGIN / name).read_bytes()


@pytest.mark.parametrize("service", [image.ONE_LIGHT, image.ONE, image.TWO])
def test_the_site_has_the_last_word(real, service):
    parser = configuration(real, service)
    assert parser["paste_deploy"]["flavor"] == "ims"
    folder = real.path("etc", service.name)
    assert parser["paste_deploy"]["config_file"] == str(folder / "ims-glance-paste.ini")
    data = real.path("data", service.name)
    assert parser["kms_inner"]["filesystem_store_datadir"] == str(data / "kms")
    assert parser["plain"]["filesystem_store_datadir"] == str(data / "plain")
    assert parser["key_manager"]["password"] == real.secrets["password_glance"]


def test_regions_share_nothing(real):
    one, two = configuration(real, image.ONE), configuration(real, image.TWO)
    for section, option in (
        ("database", "connection"),
        ("plain", "filesystem_store_datadir"),
        ("kms_inner", "filesystem_store_datadir"),
        ("os_glance_staging_store", "filesystem_store_datadir"),
        ("oslo_concurrency", "lock_path"),
    ):
        assert one[section][option] != two[section][option]


def test_an_inner_store_is_hidden_and_every_other_has_its_group(real):
    parser = configuration(real, image.ONE)
    stores = dict(
        entry.strip().split(":") for entry in parser["DEFAULT"]["enabled_backends"].split(",")
    )
    assert [name for name in stores if name.endswith("_inner")] == []
    for name, driver in stores.items():
        assert parser.has_section(name)
        if driver == "ims-kms":
            assert parser.has_section(f"{name}_inner")


def test_the_light_profile_needs_no_ceph(real):
    assert "ceph" not in configuration(real, image.ONE_LIGHT)["DEFAULT"]["enabled_backends"]
    assert all("ceph" not in need for need in image.ONE_LIGHT.needs)
    assert any("ceph" in need for need in image.ONE.needs)
