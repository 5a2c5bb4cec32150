# SPDX-License-Identifier: Apache-2.0
"""``openstack ims image share|unshare|accept|reject`` and ``ims member list``."""

import argparse

from ims_glance.client.resources.job import Job
from ims_glance.client.shell import base, projects, views


class _OnImages(base.ShowOne):
    """A job about several images, all of them or none."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "image", metavar="<image>", nargs="+", help="Names or ids of the images"
        )
        base.add_waiting(parser)
        return parser


class _WithProjects(_OnImages):
    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--project",
            metavar="<project>",
            action="append",
            required=True,
            help="The other project (repeat for more). Its id, or its exact name in the domain of your project",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, and wait if wanted."""
        ids = [image.id for image in self.images(parsed_args.image)]
        look_up = self.ims.find_receiver
        receivers = [projects.find(self.cloud, name, look_up) for name in parsed_args.project]
        return self.show_job(self.begin(ids, list(dict.fromkeys(receivers))), parsed_args)

    def begin(self, images: list[str], receivers: list[str]) -> Job:
        """Ask for the job."""
        raise NotImplementedError


class ShareImages(_WithProjects):
    """Share images with other projects, which then accept or reject them.

    Every image with every project, or nothing at all if one of them is refused.
    """

    def begin(self, images: list[str], receivers: list[str]) -> Job:
        """Ask for the job."""
        return self.ims.share_images(images, receivers)


class UnshareImages(_WithProjects):
    """Stop sharing images with other projects."""

    def begin(self, images: list[str], receivers: list[str]) -> Job:
        """Ask for the job."""
        return self.ims.unshare_images(images, receivers)


class _AnswerOffer(_OnImages):
    status: str

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """Begin, and wait if wanted."""
        ids = [image.id for image in self.images(parsed_args.image, is_offered=True)]
        return self.show_job(self.ims.answer_shares(ids, self.status), parsed_args)


class AcceptImages(_AnswerOffer):
    """Accept images that another project shares with yours, so that lists show them.

    The list of offers gives their ids.

    Examples:
    openstack ims image list --member-status pending
    openstack ims image accept --wait 0f4a2c1e-7c55-4d0f-8a7e-3f6f1b9c7d21
    """

    status = "accepted"


class RejectImages(_AnswerOffer):
    """Reject images that another project shares with yours, so that lists leave them out."""

    status = "rejected"


class ListMembers(base.Lister):
    """List the projects that an image is shared with."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The command line."""
        parser = super().get_parser(prog_name)
        parser.add_argument("image", metavar="<image>", help="Name or id of the image")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> views.Shown:
        """List."""
        image = self.ims.find_image(parsed_args.image)
        rows = (
            (member.id, member.status, member.created_at, member.updated_at)
            for member in self.ims.members(image)
        )
        return ("Project", "Status", "Created At", "Updated At"), rows
