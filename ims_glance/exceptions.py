# SPDX-License-Identifier: Apache-2.0
"""Errors of ims_glance. They know the IMS code of a refusal, and nothing of HTTP.

Every error is an :class:`ImsError`. A door (the guard filter, the store driver, ``ims-manage``)
maps a *family* (``Invalid``, ``Forbidden``, ``NotFound``, ``Conflict``, ``Unavailable``) to what its
callers understand. Codes are those of the IMS API's ``error_codes`` page and are frozen.
"""

from typing import Any, ClassVar


class ImsError(Exception):
    """Base of all errors here.

    :ivar code: the IMS error code of the refusal; an instance that passes on what a neighbour
        refused carries the neighbour's own
    :cvar template: the message, formatted with the keyword arguments of the constructor; it says
        what is wrong and what to do about it, and never contains key material or a token
    """

    code: str = "IMG.0061"
    template: ClassVar[str] = "An unknown error occurred."

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(self.template.format(**details))


class Invalid(ImsError):
    """The request itself is wrong."""

    code = "IMG.0016"


class Forbidden(ImsError):
    """The caller, or the service, may not do that."""

    code = "IMG.0026"


class NotFound(ImsError):
    """Something that the request names does not exist."""

    code = "IMG.0121"


class Conflict(ImsError):
    """The request contradicts the state of the image."""

    code = "IMG.0035"


class Unavailable(ImsError):
    """A neighbour is away; the same request may succeed later.

    :cvar retry_after: in how many seconds, if somebody knows
    """

    code = "IMG.0014"
    retry_after: ClassVar[int | None] = None


# --- keys ------------------------------------------------------------------------------------


class KeyNotFound(NotFound):
    """The key manager has no such key (IMS: "key missing")."""

    code = "IMG.0095"
    template = (
        "Encryption key {key_id} does not exist in the key manager. Name an existing key, or "
        "'ims/default' for the project's own."
    )


class KeyGone(NotFound):
    """The key of an existing image was deleted (IMS: "source key missing")."""

    code = "IMG.0101"
    template = (
        "Encryption key {key_id} of image {image_id} no longer exists in the key manager: the "
        "image cannot be read unless the key is restored."
    )


class KeyUnusable(Invalid):
    """The key exists but is no active 256-bit AES key (IMS: "key disabled")."""

    code = "IMG.0097"
    template = (
        "Encryption key {key_id} cannot be used: {reason}. A 256-bit AES key is needed "
        "('openstack secret order create --algorithm aes --bit-length 256 key')."
    )


class KeyDenied(Forbidden):
    """The caller may not use the key (IMS: "no access to the key")."""

    code = "IMG.0099"
    template = "You may not use encryption key {key_id}. Ask the owner of the key for read access."


class ServiceKeyDenied(Forbidden):
    """The Image service may not read the key (IMS: "no permission for the key")."""

    code = "IMG.0100"
    template = (
        "The Image service may not read encryption key {key_id}. Its owner can allow it: "
        "'openstack acl user add --user {service_user} --operation-type read SECRET_HREF'."
    )


class KeyManagerUnavailable(Unavailable):
    """The key manager gave no usable answer."""

    template = "The key manager is unavailable ({reason}). Try again later."


# --- images ------------------------------------------------------------------------------------


class ImageNotFound(NotFound):
    """There is no image of that id."""

    code = "IMG.0027"
    template = "Image {image_id} does not exist."


class ImageHasNoKey(Conflict):
    """Data of an image without a key reached the encrypting store."""

    template = (
        "Image {image_id} has no encryption key ('__system__cmkid'), so its data cannot be stored "
        "here. Is the filter ims_guard in Glance's paste pipeline ([paste_deploy] flavor = ims)?"
    )


# --- stored objects ----------------------------------------------------------------------------


class ObjectDamaged(ImsError):
    """A stored object is not what was written: some of its bytes were changed, cut or moved."""

    code = "IMG.0057"
    template = "Object {object_id} is damaged: {reason}."


class HeaderMissing(NotFound):
    """There is no header, so nothing can be read (half-made, or deleted)."""

    template = "Object {object_id} has no header: it was never finished, or has been deleted."


class InnerStoreMisconfigured(ImsError):
    """The encrypting store cannot work with its configuration."""

    template = "Encrypting store {store} is misconfigured: {reason}."


# --- which image goes to which store -----------------------------------------------------------


class StoreNotEncrypting(Conflict):
    """An image with a key was sent to a store that keeps plaintext."""

    template = (
        "Image {image_id} is encrypted (its key is {key_id}), so its data may not go to store "
        "'{store}', which does not encrypt. Stores that do: {stores}."
    )


class NoEncryptingStore(Conflict):
    """An image has a key and this Glance has no encrypting store."""

    template = (
        "Image {image_id} has encryption key {key_id}, but this Image service has no encrypting "
        "store. Create the image without a key, or ask the operator for an 'ims-kms' store."
    )


class KeyNotChangeable(Conflict):
    """``__system__cmkid`` is set when an image is created and never changed by its owner."""

    template = (
        "The encryption key of image {image_id} cannot be changed in place. Create the image "
        "with '__system__cmkid', or ask the operator for 'ims-manage rekey'."
    )


class LocationForbidden(Forbidden):
    """A location of an encrypting store was to be attached by hand."""

    template = (
        "Locations of scheme '{scheme}' are written by the Image service only: upload or import "
        "the data instead."
    )
