# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the pocket cloud, for the one who typed the command."""


class PocketError(Exception):
    """Something that the message alone explains; shown without a traceback."""


class StepFailed(PocketError):
    """A named step or service failed.

    :param name: the step or service.
    :param reason: one line.
    :param log: the end of its log, may be empty.
    """

    def __init__(self, name: str, reason: str, log: str = "") -> None:
        super().__init__(f"{name}: {reason}" + (f"\n{log}" if log else ""))
        self.name = name
        self.reason = reason
        self.log = log
