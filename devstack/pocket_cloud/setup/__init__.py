# SPDX-License-Identifier: Apache-2.0
"""What is done once per cloud, and in which order: one table a topic, put together here."""

from pocket_cloud.service import Step
from pocket_cloud.setup import base, compute, console, identity, storage

LIGHT: tuple[Step, ...] = (*base.LIGHT, *identity.STEPS)
FULL: tuple[Step, ...] = (*LIGHT, *base.FULL, *storage.STEPS, *compute.STEPS, *console.STEPS)


def steps(is_light: bool, has_console: bool = True) -> tuple[Step, ...]:
    """The steps of a profile."""
    found = LIGHT if is_light else FULL
    return tuple(each for each in found if has_console or each not in console.STEPS)
