# SPDX-License-Identifier: Apache-2.0
"""``demo``: what ims_glance does, shown with the plain ``openstack`` client on real services."""

import contextlib
import traceback

from pocket_cloud import rest
from pocket_cloud.cloud import Cloud
from pocket_cloud.demo import (
    encrypted_image,
    ims_api,
    leftovers,
    market,
    regions,
    whole_machine,
)
from pocket_cloud.demo.claim import Claim
from pocket_cloud.demo.signals import Stopped, Stopper
from pocket_cloud.demo.stage import Stage, Unexpected, tell
from pocket_cloud.errors import PocketError

_SIGNALLED = 128


def run(cloud: Cloud) -> int:
    """Show it all, cleaning up behind: at its end, and when it is stopped in the midst of it.

    :returns: 0 if everything was as it must be, 128 and the signal's number if it was stopped, else 1.
    """
    stopper = Stopper()
    try:
        with stopper:
            return _run(cloud, stopper)
    except Stopped as stopped:
        return _SIGNALLED + stopped.number


def clean(cloud: Cloud) -> int:
    """Remove what demos left that were killed.

    :returns: 0, or 1 if something is left.
    :raises PocketError: if the cloud is not up
    """
    try:
        rest.call("GET", cloud.url("keystone", "/v3"))
    except (PocketError, *rest.UNREACHABLE) as error:
        raise PocketError(f"the cloud in {cloud.home} is not up: {error}") from error
    count, left = leftovers.remove_dead(cloud)
    tell(f"{count} thing(s) of demos that were killed are removed")
    return _report(left)


def _run(cloud: Cloud, stopper: Stopper) -> int:
    count, left = leftovers.remove_dead(cloud)
    if count:
        tell(f"{count} thing(s) were left of a demo that was killed, and are removed now.")
    _report(left)
    claim = Claim(cloud)
    good = False
    try:
        try:
            claim.take()
            with contextlib.closing(Stage(cloud, claim, stopper)) as stage:
                good = _play(stage)
        finally:
            # A signal can break off this, once, but not what follows.
            stopper.disarm()
    finally:
        if stopper.number:
            tell("\nThe demo is stopped; what it made is being removed.")
        left = leftovers.remove_own(cloud, claim, broken_off=not good)
        code = _report(left)
    if good and not left:
        tell("The demo is over: all was as it must be, and nothing is left of it.")
    if stopper.number:
        raise Stopped(stopper.number)
    return code if good else 1


def _play(stage: Stage) -> bool:
    """Whether all was as it must be."""
    try:
        encrypted_image.play(stage)
        ims_api.play(stage)
        whole_machine.play(stage)
        regions.play(stage)
        market.play(stage)
    except (Unexpected, PocketError) as error:
        tell(f"NOT AS IT MUST BE: {error}")
    except Exception as error:  # boundary: the trace is for a log, and the user is told in a line
        log = stage.cloud.log("demo")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc())
        tell(f"NOT AS IT MUST BE: {type(error).__name__}: {error} (more in {log})")
    else:
        return True
    return False


def _report(left: list[str]) -> int:
    for text in left:
        tell(f"Could not be removed: {text}")
    if left:
        tell("'devstack/pocket clean --demo' tries again.")
    return 1 if left else 0
