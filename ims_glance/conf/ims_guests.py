# SPDX-License-Identifier: Apache-2.0
"""Group ``[ims_guests]``: systems in images, recognised and made ready."""

from oslo_config import cfg

GROUP = "ims_guests"

OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        "recognise",
        default=True,
        help="Whether the system in a file that becomes an image is recognised, also where the caller asks "
        "for no preparation. It takes half a minute of a processor. Where the programs for it are not "
        "installed, it is left out.",
    ),
    cfg.IntOpt(
        "appliances",
        default=2,
        min=1,
        max=1000,
        help="How many virtual machines at once look into disks, on this machine; more of them wait.",
    ),
    cfg.IntOpt(
        "project_appliances",
        default=1,
        min=1,
        max=1000,
        help="How many of them for one project. Less than all, so that a project whose disks are slow, or hang, "
        "keeps nobody else waiting.",
    ),
    cfg.IntOpt(
        "wait_seconds",
        default=10800,
        min=1,
        help="How many seconds it is waited for a free machine, to make a system ready; after that the job fails. "
        "Give it several times 'seconds', for which each of those before it may have the machine. Who only looks "
        "waits no longer than 'look_seconds'; then the system is not recognised, which is no failure.",
    ),
    cfg.IntOpt(
        "memory_mib",
        default=1280,
        min=512,
        help="Memory in MiB of such a machine.",
    ),
    cfg.IntOpt(
        "seconds",
        default=3600,
        min=60,
        help="After how many seconds a machine that is still not done with making a system ready is ended, and the "
        "job fails.",
    ),
    cfg.IntOpt(
        "look_seconds",
        default=900,
        min=30,
        help="The same of one that only looks: then the system is not recognised.",
    ),
    cfg.IntOpt(
        "silent_seconds",
        default=900,
        min=30,
        help="The same of one that has said nothing for so long. To make a boot file system anew is one step, "
        "and takes a minute or more on a busy machine without KVM.",
    ),
    cfg.StrOpt(
        "accelerator",
        default="auto",
        choices=[
            ("auto", "KVM where a machine with an empty disk has once started with it; else TCG"),
            ("tcg", "never KVM"),
        ],
        help="What runs such a machine.",
    ),
    cfg.StrOpt(
        "scratch_dir",
        default="/var/tmp",
        help="Folder of what is written to a disk while its system is made ready, encrypted with a key that "
        "is in memory only. The files in it have no names, so they are gone with the worker. No tmpfs: it "
        "would take memory.",
    ),
    cfg.IntOpt(
        "scratch_gib",
        default=20,
        min=1,
        help="Size in GiB of such a file at most. Disks that cannot be read in any order (zvhd, zvhd2, gz, "
        "zst) are in it as a whole.",
    ),
    cfg.StrOpt(
        "package_dir",
        help="Folder of packages that are installed in systems without cloud-init. Unset: that it is missing "
        "is told, and nothing is installed.",
    ),
    cfg.StrOpt(
        "virtio_win_path",
        help="Folder with the content of a virtio-win image, whose drivers are added to Windows. Unset: that "
        "they are missing is told.",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the group on *conf*."""
    conf.register_opts(OPTS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The group for ``oslo-config-generator``."""
    return [(GROUP, OPTS)]
