# SPDX-License-Identifier: Apache-2.0
"""``openstack ims job list|show|wait|cancel``."""

import argparse

from ims_glance.client.resources.job import STATUSES
from ims_glance.client.shell import base, views


class ListJobs(base.Lister):
    """List the project's jobs."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--status", type=str.upper, choices=STATUSES, help="Only jobs in this status"
        )
        parser.add_argument(
            "--type",
            metavar="<job-type>",
            help="Only jobs of this type, such as imsCopyImageInRegionJob",
        )
        parser.add_argument(
            "--limit", metavar="<number>", type=base.positive, help="At most so many jobs"
        )
        parser.add_argument(
            "--marker", metavar="<job-id>", help="Begin behind this job, the last one seen"
        )
        parser.add_argument("--long", action="store_true", help="Show more columns")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        jobs = self.ims.jobs(
            parsed_args.status, parsed_args.limit, parsed_args.marker, parsed_args.type
        )
        columns = views.JOB_LIST + (views.JOB_LONG if parsed_args.long else ())
        return columns, (views.job_row(job, parsed_args.long) for job in jobs)


class ShowJob(base.ShowOne):
    """Show a job."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("job", metavar="<job-id>", help="Id of the job")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Show."""
        return views.job(self.ims.get_job(parsed_args.job))


class WaitForJob(base.ShowOne):
    """Wait until a job has ended, and show it. Fails if the job does."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("job", metavar="<job-id>", help="Id of the job")
        base.add_timeout(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Wait."""
        return views.job(self.wait_for(parsed_args.job, parsed_args))


class CancelJobs(base.Command):
    """Cancel jobs: they undo what they have done and end in FAIL."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("job", metavar="<job-id>", nargs="+", help="Ids of the jobs")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Cancel."""

        def cancel(job_id: str) -> None:
            job = self.ims.cancel_job(job_id)
            if job.is_finished:
                self.tell(f"{job_id}: it has ended before, in {job.status}.")

        self.each(parsed_args.job, cancel, "{failed} of {total} jobs were not cancelled.")
