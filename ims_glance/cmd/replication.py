# SPDX-License-Identifier: Apache-2.0
"""``ims-manage replication``: standing copies of all projects."""

import argparse
import collections
from typing import Any

from oslo_config import cfg

from ims_glance.cmd import job, job_view
from ims_glance.db.standing.copies import StandingCopies
from ims_glance.model import standing_copy as model

_HEADS = ("ID", "STATUS", "REGION", "IMAGES", "PROJECT", "REASON")


def list_replications(conf: cfg.ConfigOpts) -> None:
    """List replications, the oldest first: how many images are in which state, and what is wrong."""
    copies = StandingCopies(job.open_database(conf))
    found = [_document(copies, each) for each in copies.find(conf.command.project or None)]
    if conf.command.json:
        job_view.print_json(found)
        return
    rows = (
        (
            each["id"],
            each["status"],
            job_view.printable(each["region"]),
            ", ".join(f"{count} {state}" for state, count in each["images"].items()) or "-",
            each["source_project_id"],
            job_view.printable(each["reason"] or "-"),
        )
        for each in found
    )
    job_view.print_table(_HEADS, rows)


def _document(copies: StandingCopies, standing: model.StandingCopy) -> dict[str, Any]:
    states = collections.Counter(str(each.state) for each in copies.images(standing.id))
    return {
        **model.view(standing),
        "source_project_id": standing.project_id,
        "images": dict(sorted(states.items())),
    }


def add_commands(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``replication`` to the commands of ``ims-manage``."""
    text = "Replications of all projects."
    parser = subparsers.add_parser("replication", help=text, description=text)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser(
        "list", help=list_replications.__doc__, description=list_replications.__doc__
    )
    listing.set_defaults(function=list_replications)
    listing.add_argument("--project", metavar="ID", help="only replications of this project")
    listing.add_argument("--json", action="store_true", help="as JSON")
