# SPDX-License-Identifier: Apache-2.0
"""The jobs of sharing: images with projects, all of them or none.

Every flow first reads how the images are shared, and records that; then it changes one image after
the other. So what is undone is what the job changed, whoever else shared the images before.
Whether an image is ``private`` or ``shared`` follows from its members
(:mod:`ims_glance.api.native.member` sees to that at the Image API).
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from taskflow.flow import Flow
from taskflow.patterns import linear_flow

from ims_glance import exceptions
from ims_glance.clouds import rest
from ims_glance.jobs.context import JobContext
from ims_glance.jobs.task import Task
from ims_glance.model.image import rules

# What ``entities.results[].status`` says of a pair.
RUNNING, SUCCESS, FAILED, UNDONE = "running", "success", "failed", "undone"


class NotOwner(exceptions.Forbidden):
    """Only its owner says who an image is shared with."""

    code = "IMG.0047"
    template = "Image {image_id} belongs to another project: only its owner stops sharing it."


class NotShared(exceptions.NotFound):
    """The image is not shared with the project that was to accept or reject it."""

    code = "IMG.0114"
    template = "Image {image_id} is not shared with project {project_id}."


def add(job: JobContext) -> Flow:
    """The flow of ``imsAddImageMembersJob``; its arguments are ``images`` and ``projects``."""
    return _flow(job, ReadForSharing, Share)


def delete(job: JobContext) -> Flow:
    """The flow of ``imsDelImageMembersJob``; its arguments are ``images`` and ``projects``."""
    return _flow(job, ReadForUnsharing, Unshare)


def update(job: JobContext) -> Flow:
    """The flow of ``imsUpdateImageMembersJob``.

    Its arguments are ``images``, ``project_id`` (the caller's own) and ``status`` (``accepted`` or
    ``rejected``).
    """
    return _flow(job, ReadForAnswering, AnswerOffer)


def _flow(job: JobContext, reads: type["_Read"], changes: type["_Change"]) -> Flow:
    images = dict.fromkeys(job.arguments["images"])
    steps = [reads(job, image_id) for image_id in images]
    return linear_flow.Flow("members").add(*steps, *(changes(job, each) for each in images))


def _projects(job: JobContext) -> list[str]:
    named = job.arguments.get("projects") or [job.arguments["project_id"]]
    return list(dict.fromkeys(named))


class _Read(Task):
    """Looks how an image is shared, before anything is changed.

    Its result is the status of those of the job's projects that it is shared with.
    """

    title: ClassVar[str] = "read image"

    def __init__(self, job: JobContext, image_id: str) -> None:
        super().__init__(job, f"{self.title} {image_id}", provides=_before(image_id))
        self.image_id = image_id

    def view(self) -> dict[str, Any]:
        """The image.

        :raises ImageNotFound: if there is none, or the caller does not see it
        """
        view = self.job.image.find(self.image_id)
        if view is None:
            raise exceptions.ImageNotFound(image_id=self.image_id)
        return view

    def members(self, view: Mapping[str, Any]) -> dict[str, str]:
        """The members of interest: project id -> status."""
        if view["visibility"] != "shared":
            return {}
        there = self.job.image.members(self.image_id)
        return {name: there[name] for name in _projects(self.job) if name in there}


class ReadForSharing(_Read):
    """Looks at an image that is to be shared."""

    def execute(self) -> dict[str, str]:
        """Its members."""
        view = self.view()
        how = self.job.conf.ims_api.share_encrypted
        rules.check(rules.Action.SHARE, rules.Facts.of(view), self.job.project_id, how)
        return self.members(view)


class ReadForUnsharing(_Read):
    """Looks at an image that is to be shared no more."""

    def execute(self) -> dict[str, str]:
        """Its members."""
        view = self.view()
        if view["owner"] != self.job.project_id:
            raise NotOwner(image_id=self.image_id)
        return self.members(view)


class ReadForAnswering(_Read):
    """Looks at a shared image that its receiver accepts or rejects."""

    def execute(self) -> dict[str, str]:
        """The receiver's status."""
        view = self.view()
        rules.check(rules.Action.ACCEPT, rules.Facts.of(view), self.job.project_id)
        members = self.members(view)
        for project_id in _projects(self.job):
            if project_id not in members:
                raise NotShared(image_id=self.image_id, project_id=project_id)
        return members


class _Change(Task):
    """Changes the members of one image."""

    title: ClassVar[str]

    def __init__(self, job: JobContext, image_id: str) -> None:
        named = {"before": _before(image_id)}
        super().__init__(job, f"{self.title} {image_id}", rebind=named, revert_rebind=named)
        self.image_id = image_id

    def each(self) -> Iterator[str]:
        """The job's projects; clients are told when it begins with one, and when it is done."""
        for project_id in _projects(self.job):
            self.job.check()
            self._tell(project_id, RUNNING)
            yield project_id
            self._tell(project_id, SUCCESS)
        self.job.write_told()

    def revert(self, before: Mapping[str, str], **_: Any) -> None:
        """Undo it for each of the projects, also if it cannot be undone for another one."""
        refusals = []
        for project_id in _projects(self.job):
            is_undone = False
            try:
                is_undone = self.undo(project_id, before)
            except rest.Refused as refused:
                refusals.append(refused)
            self._tell_undone(project_id, is_undone)
        self.job.write_told()
        if refusals:
            raise refusals[0]

    def undo(self, project_id: str, before: Mapping[str, str]) -> bool:
        """Undo what was done for a project; whether anything had to be done for it.

        :raises Refused: if that cannot be undone
        """
        raise NotImplementedError

    def there(self) -> dict[str, str]:
        """All members as they are now; none if the image is private, or gone."""
        view = self.job.image.find(self.image_id)
        is_shared = view is not None and view["visibility"] == "shared"
        return self.job.image.members(self.image_id) if is_shared else {}

    def remove(self, project_id: str) -> None:
        """Take the image from a project, if it has it."""
        try:
            self.job.image.delete_member(self.image_id, project_id)
        except rest.Refused as error:
            # Another worker took it from the last one and died: of a private image, Glance lets
            # nobody delete members.
            if error.status != 403 or project_id in self.there():
                raise

    def _tell_undone(self, project_id: str, is_undone: bool) -> None:
        """Tell clients what became of a pair; none is ``running`` once the job has ended.

        :param is_undone: otherwise it was as is wished all the time, or could not be undone
        """
        told = self._pair(project_id)
        if told is not None and told["status"] in (RUNNING, FAILED):
            self._tell(project_id, FAILED)
        elif told is not None and is_undone:
            self._tell(project_id, UNDONE)

    def _pair(self, project_id: str) -> Mapping[str, str] | None:
        pair = {"image_id": self.image_id, "project_id": project_id}
        told = self.job.entities.get("results", [])
        return next((each for each in told if pair.items() <= each.items()), None)

    def _tell(self, project_id: str, status: str) -> None:
        before = self._pair(project_id)
        others = [each for each in self.job.entities.get("results", []) if each is not before]
        pair = {"image_id": self.image_id, "project_id": project_id, "status": status}
        # Of some hundred pairs: written for each, all of them would be written some hundred times.
        self.job.tell_soon(results=[*others, pair])


class Share(_Change):
    """Shares an image with the projects."""

    title = "share image"

    def execute(self, before: Mapping[str, str]) -> None:
        """Add those that are no members yet."""
        for project_id in self.each():
            if project_id not in before:
                self._add(project_id)

    def undo(self, project_id: str, before: Mapping[str, str]) -> bool:
        """Take it from whom it may have been added for."""
        if project_id in before:
            return False
        self.remove(project_id)
        return True

    def _add(self, project_id: str) -> None:
        try:
            self.job.image.add_member(self.image_id, project_id)
        except rest.Refused as error:
            # Another worker added it and died, or somebody else was quicker.
            if error.status != 409 or project_id not in self.there():
                raise


class Unshare(_Change):
    """Stops sharing an image with the projects."""

    title = "unshare image"

    def execute(self, before: Mapping[str, str]) -> None:
        """Take those away that are members; the others are what is wished already."""
        for project_id in self.each():
            if project_id in before:
                self.remove(project_id)

    def undo(self, project_id: str, before: Mapping[str, str]) -> bool:
        """Share with it again. Who had accepted must do so again: no one else may."""
        if project_id not in before:
            return False
        if project_id not in self.there():
            # That the image is gone by now is fine.
            with contextlib.suppress(rest.Missing):
                self.job.image.add_member(self.image_id, project_id)
        return True


class AnswerOffer(_Change):
    """Accepts or rejects an image, as its receiver."""

    title = "answer to image"

    def execute(self, before: Mapping[str, str]) -> None:
        """Set the status, where it is another one."""
        wished = str(self.job.arguments["status"])
        for project_id in self.each():
            if before[project_id] != wished:
                self.job.image.set_member_status(self.image_id, project_id, wished)

    def undo(self, project_id: str, before: Mapping[str, str]) -> bool:
        """Set the status that was there before."""
        with contextlib.suppress(rest.Missing):
            self.job.image.set_member_status(self.image_id, project_id, before[project_id])
        return True


def _before(image_id: str) -> str:
    return f"members of {image_id} before"
