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


def told(call: Call, store: ObjectStore, found: FoundFile) -> dict[str, Any]:
    """What a job is told of a file: with the key that opens it, if it is sealed.

    :raises SealedFileRefused, SealedOtherwise: if it cannot be opened
    :raises SealedKeyMissing, KeyNotFound, KeyDenied, KeyUnusable, KeyIdInvalid, KeyManagerUnavailable: why its key
        cannot be read
    """
    file = _Object(store, found)
    if not sealed_file.is_sealed(file.read(0, len(sealed_file.WORD))):
        return found.to_arguments()
    key_id = _opening(call, found.file, sealed_file.read(file))
    return {**found.to_arguments(), UNSEAL_KEY: key_id}


def check_named(call: Call, files: Sequence[Mapping[str, Any]]) -> None:
    """Check that a key that is named opens something.

    :param files: what a job is told of each
    :raises NothingToUnseal: if not
    """
    if call.body.get(UNSEAL_KEY) and key(files) is None:
        raise NothingToUnseal


def key(files: Sequence[Mapping[str, Any]]) -> str | None:
    """The key of the first sealed one of several files."""
    return next((each[UNSEAL_KEY] for each in files if UNSEAL_KEY in each), None)


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


def _opening(call: Call, file: BucketFile, head: Head) -> str:
    """The id of a key that opens a file: the one that is named, or the first of the file's that the caller may read."""
    named = call.body.get(UNSEAL_KEY)
    if named:
        try:
            key_id, secret = call.service.keys.read(call.context, named)
        except KeyIdInvalid as error:
            raise UnsealKeyInvalid(**error.details) from None
        try:
            head.open(key_id, secret)
            return key_id
        except SealedOtherwise:
            # Of several files it may be another one's.
            if not call.body.get("data_images"):
                raise
    reason: Exception | None = None
    # Anybody may have written the file, and one id into it again and again.
    for each in dict.fromkeys(head.key_ids):
        try:
            key_id, secret = call.service.keys.read(call.context, each)
        except _OF_NO_USE as error:
            reason = error
            continue
        head.open(key_id, secret)
        return key_id
    raise SealedKeyMissing(file=file, key_ids=" or ".join(head.key_ids), reason=reason)
