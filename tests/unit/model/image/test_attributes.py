# SPDX-License-Identifier: Apache-2.0
"""Attributes: what the service adds, what the wire has, and the files that repeat the table."""

import json
from pathlib import Path

import jsonschema
import pytest
from glance import context as glance_context
from glance.api.v2 import metadef_namespaces
from glance.common import property_utils
from glance.db.sqlalchemy import api, metadata, models_metadef
from oslo_config import cfg

from ims_glance.model.image import attributes, kinds, platforms
from tests.base import in_child
from tests.unit import glance_database

ETC = Path(__file__).parents[4] / "etc/ims_glance"
METADEFS = ETC / "metadefs/ims-image.json"
MAX_METADEF_NAME = 80


@pytest.mark.parametrize(
    "name",
    [
        "__system__CMKID",
        "__SYSTEM__cmkid",
        " __system__cmkid",
        "__system__encrypted",
        "__s\N{LATIN SMALL LETTER Y WITH DIAERESIS}stem__cmkid",
    ],
)
def test_misspelt_names_are_found(name):
    assert attributes.unknown_system_names(["name", name]) == [name]


def test_other_names_are_everybodys():
    names = [attributes.CMK_ID, "__system_support_market", "__os_type", "system", "hw_disk_bus"]
    assert attributes.unknown_system_names(names) == []


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("__Os_Type", "__os_type"),
        ("__\N{LATIN SMALL LETTER O WITH DIAERESIS}s_type", "__os_type"),
        ("__os_type ", "__os_type"),
        ("Virtual_Env_Type", "virtual_env_type"),
        ("active_at\u200b", "active_at"),
        # No two of these can be one to a database either.
        ("__Mine", "__mine"),
    ],
)
def test_names_that_a_database_takes_for_others(name, written):
    assert list(attributes.ambiguous_names(["name", name])) == [(name, written)]


def test_names_that_are_what_they_are():
    names = [*attributes.ATTRIBUTES, "__mine", "Max_RAM", "HW_disk_bus", "Foo", "foo", "\u540d"]
    assert list(attributes.ambiguous_names(names)) == []


# --- attributes of a new image -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("os_version", "derived"),
    [
        (None, ("Other Linux(64 bit)", "Linux", "64", "Other")),
        ("CentOS 7.3 64bit", ("CentOS 7.3 64bit", "Linux", "64", "CentOS")),
        ("CentOS 6.5 32bit", ("CentOS 6.5 32bit", "Linux", "32", "CentOS")),
        ("Other Windows(32 bit)", ("Other Windows(32 bit)", "Windows", "32", "Other")),
        # A name that IMS does not know stays; what follows from it is that of other Linux.
        ("Plan 9", ("Plan 9", "Linux", "64", "Other")),
        (7, ("Other Linux(64 bit)", "Linux", "64", "Other")),
    ],
)
def test_what_a_new_image_gets(os_version, derived):
    body = {} if os_version is None else {attributes.OS_VERSION: os_version}
    names = ("__os_version", "__os_type", "__os_bit", "__platform")
    assert attributes.for_creation(body) == {
        **dict(zip(names, derived, strict=True)),
        "__isregistered": "true",
        "__image_source_type": "uds",
        "__image_size": "0",
        "__root_origin": "file",
        "virtual_env_type": "FusionCompute",
    }


def test_the_service_adds_its_own_attributes_and_the_operating_system():
    assert set(attributes.for_creation({})) <= attributes.SYSTEM | {attributes.OS_VERSION}
    assert all(isinstance(value, str) for value in attributes.for_creation({}).values())


# --- on the wire ---------------------------------------------------------------------------------


def test_two_attributes_are_json_booleans_and_the_rest_text():
    wire = attributes.to_wire(
        {
            "id": "i", "visibility": "shared", "status": "active", "size": 5, "protected": False,
            "__system_support_market": "False", "__isregistered": "true", "max_ram": "4096",
            "__image_size": "0", "tags": ["a=b"], "locations": [], "direct_url": "rbd://x",
            "stores": "kms", "os_hash_algo": "sha512", "os_hash_value": "h",
                "__visibility_before_sharing": "private", "__store_key": "k",
        }
    )  # fmt: skip
    assert wire == {
        "id": "i", "visibility": "shared", "status": "active", "size": 5, "protected": False,
        "__system_support_market": False, "__isregistered": "true", "max_ram": "4096",
        "__image_size": "5", "tags": ["a=b"], "__imagetype": "shared",
        "enterprise_project_id": "0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("native", "shown"),
    [
        ("queued", "queued"),
        ("importing", "saving"),
        ("uploading", "saving"),
        ("pending_delete", "deleted"),
        ("deactivated", "deactivated"),
    ],
)
def test_states(native, shown):
    wire = attributes.to_wire({"status": native, "size": None})
    assert (wire["status"], wire["__image_size"], wire["max_ram"]) == (shown, "0", "0")
    assert wire["protected"] is False


# --- the table and the shipped files say the same ------------------------------------------------


def test_names_are_there_once_and_none_is_glances():
    assert len(attributes.ATTRIBUTES) == len(attributes.TABLE)
    assert not attributes.GLANCE & set(attributes.ATTRIBUTES)
    assert all(attribute.help for attribute in attributes.TABLE)


def protected_for(*roles):
    """What somebody with *roles* may do to which property, as Glance reads the shipped file."""
    cfg.CONF([], project="glance")
    cfg.CONF.set_override("property_protection_file", str(ETC / "property-protections.conf"))
    rules = property_utils.PropertyRules(policy_enforcer=object())
    context = glance_context.RequestContext(roles=list(roles))
    return {
        (name, action)
        for name in [*attributes.ATTRIBUTES, *OTHERS]
        for action in ("create", "read", "update", "delete")
        if rules.check_property_rules(name, action, context)
    }


OTHERS = ("hw_disk_bus", "my.own", "__support_kvm_hi1822", "active_at_night", "x__os_type", "")


@pytest.mark.parametrize("roles", [["member"], ["reader"], [], ["service"]])
def test_users_write_what_is_not_the_services_and_read_all(roles):
    names = {*attributes.ATTRIBUTES, *OTHERS}
    writable = names - attributes.SYSTEM
    assert attributes.CMK_ID in writable
    assert in_child(protected_for, *roles) == {(name, "read") for name in names} | {
        (name, action) for name in writable for action in ("create", "update", "delete")
    }


@pytest.mark.parametrize("roles", [["admin"], ["member", "ims_service"]])
def test_the_service_writes_all(roles):
    names = {*attributes.ATTRIBUTES, *OTHERS}
    assert in_child(protected_for, *roles) == {
        (name, action) for name in names for action in ("create", "read", "update", "delete")
    }


def test_metadefs_describe_every_attribute():
    properties = json.loads(METADEFS.read_text())["properties"]
    assert list(properties) == list(attributes.ATTRIBUTES)
    for name, described in properties.items():
        attribute = attributes.ATTRIBUTES[name]
        assert described["title"]
        assert described["description"]
        assert described.get("readonly", False) is (attribute.setter is attributes.SERVICE)
        if attribute.values:
            assert described["enum"] == list(attribute.values)


def test_metadefs_know_the_platforms():
    properties = json.loads(METADEFS.read_text())["properties"]
    for name, values in {
        "__platform": {system.platform for system in platforms.TABLE},
        "__os_type": {system.os_type for system in platforms.TABLE},
        "__os_bit": {str(system.os_bit) for system in platforms.TABLE},
        "__imagetype": set(kinds.KINDS),
    }.items():
        assert set(properties[name]["enum"]) == values


def test_metadefs_are_as_glances_schema_has_them():
    described = json.loads(METADEFS.read_text())
    schema = metadef_namespaces.get_schema().raw()
    jsonschema.Draft4Validator(schema).validate(described)
    assert max(len(name) for name in described["properties"]) <= MAX_METADEF_NAME


def loaded(path):
    """The properties that ``glance-manage db_load_metadefs`` puts into a database."""
    glance_database.connect(path)
    engine = api.get_engine()
    models_metadef.register_models(engine)
    metadata.db_load_metadefs(engine, str(METADEFS.parent))
    context = glance_context.RequestContext(is_admin=True)
    return {
        found["name"]: found["json_schema"]
        for found in api.metadef_property_get_all(context, "OS::IMS::Image")
    }


def test_glance_loads_the_metadefs(database):
    assert in_child(loaded, database) == json.loads(METADEFS.read_text())["properties"]
