# SPDX-License-Identifier: Apache-2.0
"""What is done once per cloud, and in which order: one table a topic, put together here."""

from pocket_cloud.service import Step
from pocket_cloud.setup import base, compute, identity, storage

LIGHT: tuple[Step, ...] = (*base.LIGHT, *identity.STEPS)
FULL: tuple[Step, ...] = (*LIGHT, *base.FULL, *storage.STEPS, *compute.STEPS)


def steps(is_light: bool) -> tuple[Step, ...]:
    """The steps of a profile."""
    return LIGHT if is_light else FULL
