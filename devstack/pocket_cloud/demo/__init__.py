# SPDX-License-Identifier: Apache-2.0
"""``demo``: what ims_glance does, shown with the plain ``openstack`` client on real services."""

import signal
import sys

from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import encrypted_image, ims_api, whole_machine
from pocket_cloud.demo.stage import Stage, Unexpected


def run(cloud: Cloud) -> int:
    """Show it all, cleaning up behind.

    :returns: 0 if everything was as it must be, else 1.
    """
    # Clean up then, too.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    with Stage(cloud) as stage:
        try:
            encrypted_image.play(stage)
            ims_api.play(stage)
            whole_machine.play(stage)
        except Unexpected as error:
            stage.say(f"NOT AS IT MUST BE: {error}")
            return 1
    stage.say("The demo is over: all was as it must be, and nothing is left of it.")
    return 0
