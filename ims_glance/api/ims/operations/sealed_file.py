# SPDX-License-Identifier: Apache-2.0
"""Images of files that are sealed images: known by their first bytes, and opened with a key that the caller may read.

The file is a stranger's: its head is read, bounded, and a key either opens it or the request is refused. What is kept of
that is the id of the key; a job reads it again with what its caller delegated. An encrypted image stays one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.api.common.image_keys import KeyIdInvalid
from ims_glance.api.ims.operation import Call
from ims_glance.clouds.objects.base import FoundFile, ObjectStore
from ims_glance.crypto import sealed_file
from ims_glance.crypto.sealed_file import Head, SealedOtherwise
from ims_glance.model.bucket import BucketFile
from ims_glance.model.image import attributes
from ims_glance.model.image.from_file import Purpose
from ims_glance.model.text import key_name

UNSEAL_KEY = "unseal_key"
"""Of a body, and of what a job is told of a file."""

# Why one of several keys is of no use, which another one may be.
_OF_NO_USE = (
    KeyIdInvalid,
    exceptions.KeyNotFound,
    exceptions.KeyDenied,
    exceptions.KeyUnusable,
)


class SealedKeyMissing(exceptions.Forbidden):
    """The caller may not read the key that a file is sealed with."""

    code = "IMG.0099"
    template = (
        "File {file} is a sealed image, and its key, {key_ids} where it was exported, cannot be read by you here: "
        "{reason} Ask the owner of the key for read access. If your key manager holds the same key under another id, "
        "name that in 'unseal_key' ('--unseal-key')."
    )


class UnsealKeyInvalid(KeyIdInvalid):
    """``unseal_key`` is neither an id nor the word for the default key."""

    template = "'unseal_key' must be the id of a key, or '{default_key_name}' for the project's own, not '{value}'."


class NothingToUnseal(exceptions.Invalid):
    """A key was named for what needs none."""

    code = "IMG.0105"
    template = (
        "No file that is named is a sealed image, so there is nothing for 'unseal_key' to open. Leave it out; a key "
        "that the image shall get is named in 'cmk_id'."
    )


class SealedStaysEncrypted(exceptions.Invalid):
    """What boots from it could not decrypt it, or IMS does not, and the file is a sealed image."""

    code = "IMG.0118"
    template = (
        "File {file} is a sealed image, which stays encrypted, and an image for bare metal servers, or of an ISO file, "
        "cannot be. Export it with a 'file_format' that is not sealed where it is."
    )


class SealedIntoPlain(exceptions.Conflict):
    """A queued image has no key."""

    code = "IMG.0105"
    template = (
        "File {file} is a sealed image, which stays encrypted, and image {image_id} has no key. Create an image with "
        "'__system__cmkid', or make one of the file ('openstack ims image create --file')."
    )


class Opening:
    """The sealed files of one request, each of which may have a key of its own.

    A key that is named is tried at each file, so nobody has to say which one it is of.
    """

    def __init__(self, call: Call, several: bool = False) -> None:
        """See above.

        :param several: whether there may be more than one file, so that a key may be another one's
        """
        self._call = call
        self._several = several
        named = call.body.get(UNSEAL_KEY) or []
        self._named = list(dict.fromkeys([named] if isinstance(named, str) else named))
        self._known: dict[str, tuple[str, bytes]] = {}
        self._used: set[str] = set()
        self._sealed_with: list[str] = []

    def told(self, store: ObjectStore, found: FoundFile) -> dict[str, Any]:
        """What a job is told of a file: with the key that opens it, if it is sealed.

        :raises SealedFileRefused, SealedOtherwise: if it cannot be opened
        :raises SealedKeyMissing, KeyNotFound, KeyDenied, KeyUnusable, KeyIdInvalid, KeyManagerUnavailable: why its key
            cannot be read
        """
        file = _Object(store, found)
        if not sealed_file.is_sealed(file.read(0, len(sealed_file.WORD))):
            return found.to_arguments()
        head = sealed_file.read(file)
        self._sealed_with += head.key_ids
        key_id = self._of_named(head) or self._of_own(head, found.file)
        return {**found.to_arguments(), UNSEAL_KEY: key_id}

    def check_used(self) -> None:
        """Check that each key that is named opened something.

        :raises NothingToUnseal, SealedOtherwise: if not
        """
        for each in self._named:
            if not self._sealed_with:
                raise NothingToUnseal
            if each not in self._used:
                key_ids = " or ".join(dict.fromkeys(self._sealed_with))
                raise SealedOtherwise(key_id=each, key_ids=key_ids)

    def _of_named(self, head: Head) -> str | None:
        """The id of the first key that is named and opens a file.

        :raises SealedOtherwise: if none does, and there is no other file that one could be of
        """
        opened: list[str] = []
        refusal: SealedOtherwise | None = None
        for each in self._named:
            if each not in self._known:
                self._known[each] = self._read(each)
            key_id, secret = self._known[each]
            try:
                head.open(key_id, secret)
            except SealedOtherwise as error:
                refusal = error
                continue
            self._used.add(each)
            opened.append(key_id)
        if not opened and refusal is not None and not self._several:
            raise refusal
        return next(iter(opened), None)

    def _read(self, named: str) -> tuple[str, bytes]:
        try:
            found: tuple[str, bytes] = self._call.service.keys.read(self._call.context, named)
        except KeyIdInvalid as error:
            raise UnsealKeyInvalid(**error.details) from None
        return found

    def _of_own(self, head: Head, file: BucketFile) -> str:
        """The id of the first of the file's own keys that the caller may read."""
        reason: Exception | None = None
        # Anybody may have written the file, and one id into it again and again.
        for each in dict.fromkeys(head.key_ids):
            try:
                key_id, secret = self._call.service.keys.read(self._call.context, each)
            except _OF_NO_USE as error:
                reason = error
                continue
            head.open(key_id, secret)
            return key_id
        raise SealedKeyMissing(file=file, key_ids=" or ".join(head.key_ids), reason=reason)


def check_unnamed(call: Call) -> None:
    """Check that no key is named where there is no file at all.

    :raises NothingToUnseal: if one is
    """
    if call.body.get(UNSEAL_KEY):
        raise NothingToUnseal


def image_keys(call: Call, files: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """The key of the image of each of several files.

    That is the one that ``cmk_id`` names; else what is sealed stays under its own, and what is not comes under that of
    the first sealed one beside it.

    :raises Exception: see :meth:`ims_glance.api.common.image_keys.ImageKeys.named`
    """
    first = next((each[UNSEAL_KEY] for each in files if UNSEAL_KEY in each), None)
    named = call.body.get(key_name.CMK_ID)
    wanted = [named or each.get(UNSEAL_KEY) or first for each in files]
    usable = {
        each: call.service.keys.named(call.context, each, call.project_id)
        for each in dict.fromkeys(wanted)
        if each
    }
    return [usable[each] if each else None for each in wanted]


def check_purpose(files: Sequence[Mapping[str, Any]], purpose: Purpose) -> None:
    """Check that an image of files may be encrypted.

    :raises SealedStaysEncrypted: if not, and it has to be
    """
    for each in files:
        if UNSEAL_KEY in each and purpose in (Purpose.BARE_METAL, Purpose.ISO):
            raise SealedStaysEncrypted(file=BucketFile(each["bucket"], each["object"]))


def check_target(told_of_file: Mapping[str, Any], view: Mapping[str, Any]) -> None:
    """Check that a queued image may have the data of a file.

    :raises SealedIntoPlain: if not
    """
    if UNSEAL_KEY in told_of_file and not view.get(attributes.CMK_ID):
        file = BucketFile(told_of_file["bucket"], told_of_file["object"])
        raise SealedIntoPlain(file=file, image_id=view["id"])


class _Object:
    """An object, as its beginning is read."""

    def __init__(self, store: ObjectStore, found: FoundFile) -> None:
        self._store = store
        self._found = found

    @property
    def size(self) -> int:
        return self._found.size

    def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        return self._store.read(self._found, offset, length) if length > 0 else b""
