# SPDX-License-Identifier: Apache-2.0
"""What holds for the steps of each profile."""

import pytest
from pocket_cloud import catalog, setup


@pytest.mark.parametrize("is_light", [True, False])
def test_names_are_used_once(is_light):
    names = [step.name for step in setup.steps(is_light)]
    names += [service.name for service in catalog.services(is_light)]
    assert len(set(names)) == len(names)


def test_light_is_a_part_of_full():
    assert {step.name for step in setup.LIGHT} < {step.name for step in setup.FULL}


@pytest.mark.parametrize("is_light", [True, False])
def test_everything_needed_is_there(is_light):
    steps, services = setup.steps(is_light), catalog.services(is_light)
    needs = {step.name: step.needs for step in steps}
    needs |= {service.name: service.needs for service in services}
    assert {need for each in needs.values() for need in each} <= needs.keys()


@pytest.mark.parametrize("step", setup.FULL, ids=lambda step: step.name)
def test_a_step_does_something(step):
    assert bool(step.command) != bool(step.function)
