# SPDX-License-Identifier: Apache-2.0
"""``openstack ims worker list``."""

import argparse

from ims_glance.client.shell import base, views


class ListWorkers(base.Lister):
    """List the workers that run, and those that died in the last day (for operators)."""

    def take_action(self, _parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        columns = (
            "Host", "Process", "State", "Threads", "Jobs", "Lost Jobs", "Begun (s ago)", "Heard Of (s ago)",
        )  # fmt: skip
        rows = (
            (
                each.host,
                each.process,
                each.state,
                each.threads,
                each.jobs,
                each.lost_jobs,
                each.begun_seconds_ago,
                each.heard_of_seconds_ago,
            )
            for each in self.ims.workers()
        )
        return columns, rows
