# SPDX-License-Identifier: Apache-2.0
"""The key that an image gets, or has: named by whom, usable by whom."""

from collections.abc import Callable
from typing import Any, Protocol

from ims_glance import exceptions
from ims_glance.model.text import key_name


class KeyIdInvalid(exceptions.Invalid):
    """``__system__cmkid`` is neither an id nor the word for the default key."""

    template = (
        "'__system__cmkid' must be the id of a key, or '{default_key_name}' for the project's own, "
        "not '{value}'."
    )


class ForeignDefaultKey(exceptions.Forbidden):
    """The default key of a project was asked for from outside of it."""

    code = "IMG.0099"
    template = (
        "The default key of project {project_id} is for its members. Name a key with "
        "'__system__cmkid' when the image is created, or use a token of that project."
    )


class UsedKeyManager(Protocol):
    """What is used of :class:`ims_glance.keys.KeyManager`."""

    def check_usable(self, context: Any, key_id: str) -> None: ...

    def caller_key(self, context: Any, key_id: str) -> bytes: ...

    def open_to_service(self, context: Any, key_id: str) -> None: ...

    def default_key(self, context: Any) -> str: ...

    def find_default_key(self, context: Any) -> str | None: ...

    def key_name(self, key_id: str) -> str | None: ...


class ImageKeys:
    """What the guard does with keys.

    :param key_manager: gives the key manager; called when it is needed, which is after the worker
        process was forked
    :param default_key_name: the word for a project's default key
    :param canonical: gives the one spelling of a key's id, of the two that the key manager may take
    """

    def __init__(
        self,
        key_manager: Callable[[], UsedKeyManager],
        default_key_name: str,
        canonical: Callable[[str], str] = str,
    ) -> None:
        self._key_manager = key_manager
        self._default_key_name = default_key_name
        self._canonical = canonical

    def named(self, context: Any, value: str, owner: str | None) -> str:
        """The id of the key that a new image asks for, once caller and service may use it.

        :param value: of ``__system__cmkid``: an id, a secret's href, or the default key's name
        :param owner: project that the image shall belong to
        :raises KeyIdInvalid: if *value* is nothing of that kind
        :raises ForeignDefaultKey, KeyNotFound, KeyDenied, KeyUnusable, ServiceKeyDenied,
            KeyManagerUnavailable: why the key cannot be used
        """
        if value == self._default_key_name:
            return self.default(context, owner)
        key_id = self._spelt(value)
        self._make_usable(context, key_id)
        return key_id

    def foreseen(self, context: Any, value: str, owner: str | None) -> str | None:
        """The key that :meth:`named` would give; nothing is made or opened for that.

        :returns: ``None`` for a default key that is yet to be made
        :raises KeyIdInvalid, ForeignDefaultKey, KeyNotFound, KeyDenied, KeyUnusable,
            KeyManagerUnavailable: why the key cannot be used
        """
        if value == self._default_key_name:
            self._check_own(context, owner)
            return self._key_manager().find_default_key(context)
        key_id = self._spelt(value)
        self._key_manager().check_usable(context, key_id)
        return key_id

    def read(self, context: Any, value: str) -> tuple[str, bytes]:
        """A key that the caller brings something with that it opens: its id, and its bytes.

        :param value: an id, a secret's href, or the default key's name
        :raises KeyIdInvalid, KeyNotFound, KeyDenied, KeyUnusable, KeyManagerUnavailable: why it cannot be read
        """
        if value == self._default_key_name:
            key_id = self._key_manager().find_default_key(context)
            if key_id is None:
                raise exceptions.KeyNotFound(key_id=value)
        else:
            key_id = self._spelt(value)
        return key_id, self._key_manager().caller_key(context, key_id)

    @property
    def default_name(self) -> str:
        """The word for a project's default key."""
        return self._default_key_name

    def is_named(self, context: Any, value: Any, key_id: str, owner: str | None) -> bool:
        """Whether a client that says *value* means a key of an image of the project *owner*.

        :param value: what :meth:`named` takes, or anything else
        :raises KeyDenied, ServiceKeyDenied, KeyManagerUnavailable: why that cannot be said of the
            word for the default key
        """
        if value == key_id:
            return True
        if value == self._default_key_name:
            return self.is_default(context, key_id, owner)
        return isinstance(value, str) and self._id(value) == self._canonical_of(key_id)

    def sought(self, context: Any, value: str) -> str:
        """What images have whose key a filter names as :meth:`named` takes it.

        :returns: an id; *value* itself if it names no key that there is, which no image has
        :raises KeyDenied, KeyManagerUnavailable: why the default key cannot be looked for
        """
        if value == self._default_key_name:
            return self._key_manager().find_default_key(context) or value
        return self._canonical_of(value)

    def _id(self, value: str) -> str | None:
        """The id that *value* spells, in its one spelling; ``None`` if it spells none."""
        key_id = key_name.key_id(value)
        return key_id and self._canonical(key_id)

    def _spelt(self, value: str) -> str:
        key_id = self._id(value)
        if key_id is None:
            raise KeyIdInvalid(value=value[:255], default_key_name=self._default_key_name)
        return key_id

    def _canonical_of(self, key_id: str) -> str:
        """The one spelling of an id; of what has none, itself: another key manager's ids may differ."""
        return self._id(key_id) or key_id

    def default(self, context: Any, owner: str | None) -> str:
        """The id of the default key of the project *owner*, made if there is none yet.

        It lives in the caller's project, for only a token of a project can make keys there. So
        others who may write to the project's images (administrators) do not get one: the image
        would be under a key that its owner knows nothing of.

        :raises ForeignDefaultKey: if the caller is of another project
        :raises KeyDenied, KeyUnusable, ServiceKeyDenied, KeyManagerUnavailable: why there is none
        """
        self._check_own(context, owner)
        key_id = self._key_manager().default_key(context)
        self._make_usable(context, key_id)
        return key_id

    def is_default(self, context: Any, key_id: str, owner: str | None) -> bool:
        """Whether a key of an image of the project *owner* is that project's default key.

        Only a token of a project lists its keys. For others, administrators, its name says it: so
        one that has the name, but is not the oldest of them, counts too.

        :raises KeyDenied, ServiceKeyDenied, KeyManagerUnavailable: why that cannot be said
        """
        if owner == context.project_id:
            return self._key_manager().find_default_key(context) == self._canonical_of(key_id)
        try:
            return self._key_manager().key_name(key_id) == self._default_key_name
        except exceptions.KeyNotFound:
            return False

    def check_alive(self, context: Any, image_id: str, key_id: str) -> None:
        """Check that data can still be encrypted with the key of an image.

        Whether its owner may use it was asked when the image was created. Now it matters that the
        service can read it; where it cannot, the caller's token may serve to open it again.

        :raises KeyGone: if the key does not exist any more
        :raises ServiceKeyDenied, KeyUnusable, KeyManagerUnavailable: why the service cannot use it
        """
        try:
            self._key_manager().open_to_service(context, key_id)
        except exceptions.KeyNotFound:
            raise exceptions.KeyGone(key_id=key_id, image_id=image_id) from None

    def _check_own(self, context: Any, owner: str | None) -> None:
        if owner and owner != context.project_id:
            raise ForeignDefaultKey(project_id=owner)

    def _make_usable(self, context: Any, key_id: str) -> None:
        self._key_manager().check_usable(context, key_id)
        self._key_manager().open_to_service(context, key_id)
