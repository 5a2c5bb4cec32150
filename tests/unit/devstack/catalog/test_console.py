# SPDX-License-Identifier: Apache-2.0
from pocket_cloud import catalog, setup, template
from pocket_cloud.catalog import console


def test_it_can_be_left_out():
    names = {each.name for each in catalog.services(is_light=False)}
    without = {each.name for each in catalog.services(is_light=False, has_console=False)}
    assert names - without == {"horizon"}
    steps = {each.name for each in setup.steps(is_light=False)}
    left = {each.name for each in setup.steps(is_light=False, has_console=False)}
    assert steps - left == {"horizon-static"}


def test_its_settings_are_python_and_its_key_is_this_clouds(cloud):
    text = template.render("horizon-local-settings", cloud.values)
    compile(text, "local_settings.py", "exec")
    assert cloud.secrets["horizon_key"] in text
    assert console.HORIZON.variables(cloud.values)["PYTHONPATH"].endswith("/etc/horizon")


def test_horizon_finds_them_before_its_own():
    """Its folder, which has a package of that name, is on its path too."""
    assert {"horizon/local/__init__.py", "horizon/local/local_settings.py"} == set(
        console.HORIZON.files
    )
