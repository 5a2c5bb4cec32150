# SPDX-License-Identifier: Apache-2.0
"""What attributes may be set to, at both doors."""

import pytest

from ims_glance import exceptions
from ims_glance.model.image import attributes, values

WRONG = [
    ("__support_xen", "yes", "IMG.0035"),
    ("__support_xen", "True", "IMG.0035"),
    ("__is_config_init", "", "IMG.0035"),
    ("__description", "<", "IMG.0054"),
    ("__description", "x" * 1025, "IMG.0004"),
    ("__os_version", "x" * 129, "IMG.0035"),
    ("__os_version", "\N{PILE OF POO}", "IMG.0035"),
]
OF_IMS_ALONE = [
    ("hw_firmware_type", "coreboot", "IMG.0141"),
    ("hw_vif_multiqueue_enabled", "yes", "IMG.0035"),
    ("max_ram", "much", "IMG.0035"),
    ("os_shutdown_timeout", "5", "IMG.0035"),
    ("own", "\N{PILE OF POO}", "IMG.0035"),
]


@pytest.mark.parametrize(("name", "value", "code"), [*WRONG, *OF_IMS_ALONE])
def test_what_the_ims_api_refuses(name, value, code):
    with pytest.raises(exceptions.Invalid) as refused:
        values.written(name, value)
    assert refused.value.code == code


@pytest.mark.parametrize(("name", "value", "code"), WRONG)
def test_the_image_api_refuses_the_same_of_the_service_s_own(name, value, code):
    with pytest.raises(exceptions.Invalid) as refused:
        values.check_native(name, value)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name, value, _code in OF_IMS_ALONE),
        # For Glance to refuse.
        ("__support_xen", True),
        ("__description", None),
        # Of the service, which does not take it, or of nobody.
        ("__os_type", "x"),
        ("__something", "<"),
        (attributes.CMK_ID, "ims/default"),
        # As the table has it.
        ("__support_xen", "true"),
        ("__os_version", "Plan 9"),
        ("__os_version", ""),
    ],
)
def test_other_values_of_the_image_api_are_not_looked_at(name, value):
    values.check_native(name, value)


@pytest.mark.parametrize("value", [5, None, True, ["x"], {}])
def test_what_is_no_string(value):
    with pytest.raises(values.ValueWrong, match="'__os_version': the value must be a string"):
        values.check_is_text("__os_version", value)
    values.check_is_text("__os_version", "x")


@pytest.mark.parametrize(
    ("there", "touched", "refused"),
    [
        ({"__support_xen_hana", "__support_xen"}, {"__support_xen"}, True),
        ({"__support_xen_hana", "__support_kvm"}, {"__support_xen_hana"}, True),
        ({"__support_xen_hana", "__support_xen"}, {"name"}, False),
        ({"__support_xen_hana"}, {"__support_xen"}, False),
    ],
)
def test_what_excludes_each_other(there, touched, refused):
    if not refused:
        values.check_together(there, touched)
        return
    with pytest.raises(values.ValueWrong, match="not together"):
        values.check_together(there, touched)
