# SPDX-License-Identifier: Apache-2.0
from pocket_cloud import passwords, ports
from pocket_cloud.setup import identity

USERS = {user.name: user for user in identity.USERS}


def test_tenants_are_no_administrators():
    for name in ("demo", "other"):
        assert USERS[name].roles == ("member", "reader")
        assert USERS[name].project == name


def test_who_reads_keys_for_the_image_service_is_no_administrator():
    assert USERS["glance"].roles == ("service",)


def test_every_user_has_a_password():
    assert USERS.keys() < set(passwords.PASSWORDS)


def test_every_endpoint_has_a_port_and_every_region_images_and_identity():
    for _kind, _name, region, port, _path in identity.ENDPOINTS:
        assert region in identity.REGION_NAMES
        assert port in ports.OFFSETS
    kinds = {(kind, region) for kind, _name, region, _port, _path in identity.ENDPOINTS}
    for region in identity.REGION_NAMES:
        assert {("image", region), ("identity", region)} <= kinds
