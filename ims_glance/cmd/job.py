# SPDX-License-Identifier: Apache-2.0
"""``ims-manage job`` and ``ims-manage worker``: jobs of all projects, and who has them."""

import argparse
from collections.abc import Callable

from oslo_config import cfg

from ims_glance import exceptions
from ims_glance.clouds.messaging.wakeup import Wakeups
from ims_glance.cmd import job_view
from ims_glance.conf import ims_database
from ims_glance.db.database import Database
from ims_glance.db.job import Jobs
from ims_glance.db.supervision import Supervision, UnknownJob
from ims_glance.model import job as model
from ims_glance.model.job import JobStatus

_LIMIT = 100
# A worker says every five seconds that it runs.
_SILENCE = 30


class NoWorker(exceptions.Unavailable):
    """Nobody would begin a job."""

    template = (
        "No worker{where} was heard of in the last {seconds} s: see to it that ims-worker runs there and "
        "reaches the database."
    )


def list_jobs(conf: cfg.ConfigOpts) -> None:
    """List jobs, the newest first."""
    chosen = conf.command
    found = Supervision(open_database(conf)).find(
        chosen.state or (), chosen.project, chosen.type, chosen.limit
    )
    if chosen.json:
        job_view.print_json([job_view.document(each) for each in found])
        return
    heads = ("ID", "TYPE", "STATE", "TASK", "AGE", "WORKER", "ATTEMPTS", "PROJECT")
    job_view.print_table(heads, (job_view.row(each) for each in found))


def show_job(conf: cfg.ConfigOpts) -> None:
    """Show all that is recorded of a job but its secrets, and what can be done about it."""
    found = Supervision(open_database(conf)).get(_job_id(conf))
    told = {
        **job_view.document(found),
        **job_view.details(found),
        "advice": list(job_view.advice(conf, found)),
    }
    if conf.command.json:
        job_view.print_json(told)
    else:
        print("\n".join(job_view.lines(conf, told)))


def cancel_job(conf: cfg.ConfigOpts) -> None:
    """Have a job undone, as if its owner had cancelled it."""
    database = open_database(conf)
    owner = Supervision(database).get(_job_id(conf)).job.project_id
    job = Jobs(database).request_cancel(_job_id(conf), owner)
    if job.is_finished:
        print(f"Job {job.id} has ended already ({job.status}): nothing is cancelled")
        return
    _wake(conf, job.id)
    print(f"Job {job.id} is to be undone: a worker begins with that at its next step")


def reset_job(conf: cfg.ConfigOpts) -> None:
    """Take a job from its worker and give it to any, with its attempts counted anew."""
    found = Supervision(open_database(conf)).reset(_job_id(conf))
    wait = max(0.0, found.lease or 0.0)
    if not wait:
        _wake(conf, found.job.id)
    # A worker that is cut off from the database works until then.
    when = f" in {job_view.duration(wait)}, when its last lease has run out" if wait else " at once"
    print(f"Job {found.job.id} is given back: a worker with a free thread begins it{when}")


def list_workers(conf: cfg.ConfigOpts) -> None:
    """List the workers that run, and those that died in the last day."""
    found = Supervision(open_database(conf)).workers()
    workers = [job_view.worker(each, float(conf.ims_jobs.lease_seconds)) for each in found]
    if conf.command.json:
        job_view.print_json(workers)
        return
    rows = (
        (
            each["host"],
            each["pid"],
            "-" if each["threads"] is None else str(each["threads"]),
            str(each["jobs"]),
            str(each["lost_jobs"]),
            f"{job_view.duration(each['heard_of_seconds_ago'])} ago",
        )
        for each in workers
    )
    job_view.print_table(("HOST", "PROCESS", "THREADS", "JOBS", "LOST JOBS", "LAST HEARD OF"), rows)


def check_workers(conf: cfg.ConfigOpts) -> None:
    """Fail if no worker was heard of lately, for monitoring."""
    host, seconds = conf.command.host, conf.command.seconds
    found = Supervision(open_database(conf)).workers()
    workers = [job_view.worker(each, float(conf.ims_jobs.lease_seconds)) for each in found]
    heard = [
        float(each["heard_of_seconds_ago"])
        for each in workers
        if host in (None, each["host"]) and each["heard_of_seconds_ago"] <= seconds
    ]
    if not heard:
        where = "" if host is None else f" of host {job_view.printable(host)}"
        raise NoWorker(where=where, seconds=seconds)
    print(f"{len(heard)} worker(s), the last one heard of {job_view.duration(min(heard))} ago")


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``job`` and ``worker`` to the commands of ``ims-manage``."""
    actions = _group(subparsers, "job", "Jobs of all projects.")
    listing = _action(actions, "list", list_jobs)
    listing.add_argument(
        "--state",
        action="append",
        type=str.upper,
        choices=[str(status) for status in JobStatus],
        help="only jobs in this state (may be repeated)",
    )
    listing.add_argument("--project", metavar="ID", help="only jobs of this project")
    listing.add_argument("--type", metavar="TYPE", help="only jobs of this type, as it is listed")
    listing.add_argument(
        "--limit",
        type=_positive,
        default=_LIMIT,
        metavar="N",
        help="at most so many (default: %(default)s)",
    )
    for name, function in (("show", show_job), ("cancel", cancel_job), ("reset", reset_job)):
        parser = _action(actions, name, function, has_json=name == "show")
        parser.add_argument("job_id", metavar="JOB", help="job id")
    workers = _group(subparsers, "worker", "Processes of ims-worker.")
    _action(workers, "list", list_workers)
    checking = _action(workers, "check", check_workers, has_json=False)
    checking.add_argument("--host", metavar="NAME", help="only workers of this host count")
    checking.add_argument(
        "--seconds",
        type=_positive,
        default=_SILENCE,
        metavar="N",
        help="it was heard of in the last N seconds (default: %(default)s)",
    )


def _group(
    subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> "argparse._SubParsersAction[argparse.ArgumentParser]":
    parser = subparsers.add_parser(name, help=text, description=text)
    return parser.add_subparsers(dest="action", required=True, metavar="ACTION")


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    function: Callable[[cfg.ConfigOpts], None],
    has_json: bool = True,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=function.__doc__, description=function.__doc__)
    parser.set_defaults(function=function)
    if has_json:
        parser.add_argument("--json", action="store_true", help="as JSON")
    return parser


def _positive(text: str) -> int:
    """An argument that is a whole number, 1 or more."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is no whole number, 1 or more")
    return int(text)


def _job_id(conf: cfg.ConfigOpts) -> str:
    """The id of the job that is asked for, or of the one whose sub-job is.

    :raises UnknownJob: if it cannot be any
    """
    given = conf.command.job_id
    # Not every database takes every text.
    found = model.split_id(given)
    if found is None:
        raise UnknownJob(job_id=job_view.printable(given[:64]))
    return found[0]


def open_database(conf: cfg.ConfigOpts) -> Database:
    """The database of jobs, which is not waited for while it is away."""
    # The service waits for a database that is away; who asks wants to know it.
    conf.set_override("max_retries", 0, ims_database.GROUP)
    return Database(conf)


def _wake(conf: cfg.ConfigOpts, job_id: str) -> None:
    wakeups = Wakeups(conf)
    wakeups.send(job_id)
    wakeups.flush()
