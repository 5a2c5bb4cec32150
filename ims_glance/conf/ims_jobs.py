# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_jobs]``: how jobs are accepted, run and kept."""

from oslo_config import cfg

GROUP = "ims_jobs"

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        "topic",
        default="ims",
        help="Topic on which workers are woken up. Regions that share a message queue need "
        "different ones.",
    ),
    cfg.IntOpt(
        "creating",
        default=40,
        min=1,
        help="Unfinished jobs that create images that a project may have (IMS constraints).",
    ),
    cfg.IntOpt(
        "copying",
        default=5,
        min=1,
        help="Unfinished copy jobs that a project may have (IMS constraints).",
    ),
    cfg.IntOpt(
        "threads",
        default=4,
        min=1,
        help="Jobs that one worker process runs at once. One project has at most all but one of "
        "them, so that others' jobs do not wait for its long ones; projects take turns.",
    ),
    cfg.IntOpt(
        "niceness",
        default=5,
        min=0,
        max=19,
        help="By how much a worker, and what it starts, gives way to other processes of its host (nice(2)), so "
        "that the APIs there answer as quickly while jobs run.",
    ),
    cfg.FloatOpt(
        "lease_seconds",
        default=60.0,
        min=1.0,
        help="How long a worker that is not heard of keeps a job. It renews the lease three times "
        "as often, and stops by itself when it cannot.",
    ),
    cfg.FloatOpt(
        "scan_seconds",
        default=10.0,
        min=0.1,
        help="How often a worker looks for jobs that nobody woke it up for: whose worker died, or "
        "that were accepted while the message queue was away; and for delegations to give back.",
    ),
    cfg.FloatOpt(
        "patience_seconds",
        default=300.0,
        min=0.0,
        help="How long a task is tried again while a neighbour is away, before the job fails.",
    ),
    cfg.FloatOpt(
        "revert_patience_seconds",
        default=86400.0,
        min=0.0,
        help="The same for undoing what a failed job did.",
    ),
    cfg.FloatOpt(
        "region_patience_seconds",
        default=86400.0,
        min=0.0,
        help="How long a copy between regions waits, on either side, while the other region is away, or "
        "the way to it. What has come by then is kept meanwhile, and what goes on there goes on.",
    ),
    cfg.FloatOpt(
        "volume_seconds_per_gib",
        default=300.0,
        min=0.0,
        help="How long Cinder may take for each GiB of an image that it makes of a volume, on top "
        "of patience_seconds, and for each GiB of a volume, a snapshot or a backup that it makes, "
        "restores or deletes. It shows no progress, and what it was doing when it was killed, or its "
        "database was, stays 'uploading', 'creating' or 'deleting' for good: then the job fails, "
        "and says what an operator has to run.",
    ),
    cfg.StrOpt(
        "spool_store",
        help="Encrypting store of enabled_backends whose inner store takes, sealed, what comes from "
        "another region, until it is complete: about as much as is not zeros in it and in the image "
        "that it is compared with. Unset: the first one.",
    ),
    cfg.IntOpt(
        "replication_disks",
        default=4,
        min=1,
        help="Disks of a whole-machine image from another region that are received at once.",
    ),
    cfg.FloatOpt(
        "replication_seconds",
        default=30.0,
        min=0.1,
        help="How often a worker looks for images that a replication is about: those of its project that "
        "became active, or got the tag.",
    ),
    cfg.FloatOpt(
        "progress_seconds",
        default=1.0,
        min=0.0,
        help="How often the progress of a job is recorded at most.",
    ),
    cfg.IntOpt(
        "attempts",
        default=50,
        min=1,
        help="How often workers may begin a job, before it is taken for one that kills them and "
        "is reverted.",
    ),
    cfg.FloatOpt(
        "stop_seconds",
        default=30.0,
        min=0.0,
        help="How long a worker that is told to stop waits for its running steps.",
    ),
    cfg.IntOpt(
        "keep_days",
        default=30,
        min=0,
        help="How long records of finished jobs are kept.",
    ),
    cfg.FloatOpt(
        "sweep_seconds",
        default=300.0,
        min=0.1,
        help="How often a worker looks for records to delete.",
    ),
    cfg.FloatOpt(
        "orphan_seconds",
        default=600.0,
        min=0.0,
        help="How long a delegation may take to be made. One that took longer was left behind by "
        "a crash, and is deleted.",
    ),
    cfg.FloatOpt(
        "delegation_idle_seconds",
        default=10.0,
        min=0.0,
        help="How long a delegation waits for the caller's next job after the last one ended. "
        "Making a trust takes Keystone much longer than a job takes to be recorded. With 0 it is "
        "given back at the end of the last job.",
    ),
    cfg.IntOpt(
        "delegation_days",
        default=7,
        min=1,
        help="When a delegation ends by itself, as the last resort against forgotten ones. Jobs "
        "that take longer fail.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
