# SPDX-License-Identifier: Apache-2.0
"""The list of images: the query of ``list_images`` as one of the Image API.

The database filters. What Glance cannot filter (absent properties, mostly) is a *residue* that is
asked of each image of a page.
"""

import dataclasses
import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ims_glance import exceptions
from ims_glance.model import tag
from ims_glance.model.image import kinds
from ims_glance.model.text import free_text

DEFAULT_LIMIT = 500
MAX_LIMIT = 1000
SORT_KEYS = (
    "name", "container_format", "disk_format", "status", "id", "size", "created_at", "updated_at",
)  # fmt: skip
MEMBER_STATUSES = ("accepted", "rejected", "pending", "all")

View = Mapping[str, Any]
Residue = Callable[[View], bool]


class QueryInvalid(exceptions.Invalid):
    """A filter has a value that it cannot have, or there is no such filter."""

    code = "IMG.0017"
    template = "Query parameter '{name}': {reason}."


class FilterNotSupported(exceptions.Invalid):
    """A filter that needs what this cloud has not."""

    code = "IMG.0105"
    template = "Query parameter '{name}' is not supported yet: {reason}."


@dataclasses.dataclass
class NativeQuery:
    """A query of ``GET /v2/images``.

    :ivar parameters: for the Image API
    :ivar residues: what each image of the answer has to fulfil besides
    :ivar tags: how the tag may be stored that each image has to have, if in several ways
    :ivar nothing: the filters contradict each other
    :ivar limit: images of a page
    """

    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    residues: list[Residue] = dataclasses.field(default_factory=list)
    tags: tuple[str, ...] = ()
    nothing: bool = False
    limit: int = DEFAULT_LIMIT

    def fits(self, view: View) -> bool:
        """Whether an image fulfils all residues."""
        return all(residue(view) for residue in self.residues)

    def settle_tag(self, stored: Sequence[str]) -> None:
        """Choose among :attr:`tags`.

        :param stored: those of them that images have
        """
        if len(stored) == 1:
            self.narrow("tag", stored[0])
        else:
            # Glance gives no images that have one tag or the other.
            self.residues.append(lambda view: not set(stored).isdisjoint(view["tags"]))
        self.nothing = self.nothing or not stored

    def narrow(self, name: str, value: str) -> None:
        """Filter by a parameter, which another filter may have been turned into as well."""
        if self.parameters.setdefault(name, value) != value:
            self.nothing = True


def translate(query: Mapping[str, str], project_id: str | None = None) -> NativeQuery:
    """The native query for one of ``list_images``.

    :param project_id: of the caller; ``None`` for one who sees the images of all projects
    :raises QueryInvalid: naming the parameter and what is wrong with it
    """
    native = NativeQuery({"sort_key": "created_at", "sort_dir": "desc"})
    for name, value in query.items():
        if name not in _FILTERS:
            raise QueryInvalid(name=name[:64], reason="there is no such filter")
        _FILTERS[name](native, name, value)
    if "private" in (query.get("__imagetype"), query.get("visibility")):
        native.nothing |= query.get("visibility") == "public"
        if project_id is not None:
            # Private images of others are seen by nobody, so fewer have to be looked at.
            native.narrow("owner", project_id)
    _check_member_status(native, query)
    native.parameters["limit"] = str(native.limit)
    return native


def _check_member_status(native: NativeQuery, query: Mapping[str, str]) -> None:
    if "member_status" in query and native.parameters.get("visibility") != "shared":
        raise QueryInvalid(name="member_status", reason="it needs visibility=shared")


# --- one function a sort of filter ---------------------------------------------------------------


def _exact(native: NativeQuery, name: str, value: str) -> None:
    if not free_text.is_storable(value):
        native.nothing = True
    native.narrow(name, value)


def _operand(native: NativeQuery, name: str, value: str) -> None:
    # Glance takes what stands before a colon for an operator (``split_filter_op`` of glance).
    _exact(native, name, f"eq:{value}" if ":" in value else value)


def _one_of(*values: str) -> Callable[[NativeQuery, str, str], None]:
    def check(native: NativeQuery, name: str, value: str) -> None:
        if value not in values:
            raise QueryInvalid(name=name, reason=f"one of {', '.join(values)}, not '{value[:64]}'")
        native.narrow(name, value)

    return check


def _flag(native: NativeQuery, name: str, value: str) -> None:
    native.narrow(name, _boolean(name, value))


def _mark(native: NativeQuery, name: str, value: str) -> None:
    # "false" is mostly not written down.
    if _boolean(name, value) == "true":
        native.narrow(name, "true")
    else:
        native.residues.append(lambda view: str(view.get(name)).lower() != "true")


def _registered(native: NativeQuery, name: str, value: str) -> None:
    # Every image is, unless it says otherwise.
    wanted = _boolean(name, value)
    native.residues.append(lambda view: str(view.get(name, "true")).lower() == wanted)


def _boolean(name: str, value: str) -> str:
    lowered = value.lower()
    if lowered not in {"true", "false"}:
        raise QueryInvalid(name=name, reason=f"true or false, not '{value[:64]}'")
    return lowered


def _number(native: NativeQuery, name: str, value: str) -> None:
    native.narrow(name, str(_integer(name, value, 0, 2**31 - 1)))


def _limit(native: NativeQuery, name: str, value: str) -> None:
    native.limit = _integer(name, value, 1, MAX_LIMIT)


def _integer(name: str, value: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", value) or not least <= int(value) <= most:
        raise QueryInvalid(name=name, reason=f"a number from {least} to {most}")
    return int(value)


def _kind(native: NativeQuery, name: str, value: str) -> None:
    if value == kinds.MARKET:
        native.narrow(name, value)
        return
    if value not in kinds.KINDS:
        known = ", ".join(kinds.KINDS)
        raise QueryInvalid(name=name, reason=f"one of {known}, not '{value[:64]}'")
    if value in kinds.VISIBILITY:
        native.narrow("visibility", kinds.VISIBILITY[value])
    native.residues.append(lambda view: kinds.image_type(view) == value)


def _visibility(native: NativeQuery, name: str, value: str) -> None:
    if value not in _VISIBILITIES:
        known = ", ".join(_VISIBILITIES)
        raise QueryInvalid(name=name, reason=f"one of {known}, not '{value[:64]}'")
    # Private is also what Glance calls shared, as long as it is shared with nobody.
    if value != "private":
        native.narrow(name, value)
    native.residues.append(lambda view: kinds.shown_visibility(view) == value)


_VISIBILITIES = ("public", "private", "shared", "community")


def _status(native: NativeQuery, name: str, value: str) -> None:
    if value == "saving":
        native.narrow(name, "in:saving,importing,uploading")
    else:
        _operand(native, name, value)


def _architecture(native: NativeQuery, name: str, value: str) -> None:
    if value not in {"x86", "arm"}:
        raise QueryInvalid(name=name, reason="x86 or arm")
    if value == "arm":
        native.narrow("__support_arm", "true")
    else:
        native.residues.append(lambda view: str(view.get("__support_arm")).lower() != "true")


def _enterprise_project(native: NativeQuery, name: str, value: str) -> None:
    if value == "all_granted_eps":
        return
    if value == "0":
        native.residues.append(lambda view: str(view.get(name) or "0") == "0")
    else:
        _exact(native, name, value)


def _tag(native: NativeQuery, name: str, value: str) -> None:
    spellings = tag.spellings(value)
    if len(spellings) > 1 and free_text.is_storable(value):
        native.tags = spellings
    else:
        _exact(native, name, value)


_TIME = re.compile(r"(?:(gt|gte|lt|lte|eq|neq):)?(.+)", re.DOTALL)
_FORMATS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")


def _time(native: NativeQuery, name: str, value: str) -> None:
    match = _TIME.fullmatch(value)
    for form in _FORMATS if match else ():
        try:
            moment = datetime.datetime.strptime(match[2], form)  # type: ignore[index]
        except ValueError:
            continue
        native.narrow(name, f"{match[1] or 'eq'}:{moment.isoformat()}Z")  # type: ignore[index]
        return
    raise QueryInvalid(
        name=name, reason="gt, gte, lt, lte, eq or neq, a colon, and a time (2026-01-31T12:00:00Z)"
    )


def _flavor(_native: NativeQuery, name: str, _value: str) -> None:
    raise FilterNotSupported(name=name, reason="the service does not ask Nova for flavors")


_FILTERS: dict[str, Callable[[NativeQuery, str, str], None]] = {
    **dict.fromkeys(("id", "name", "container_format", "disk_format"), _operand),
    **dict.fromkeys(
        (
            "owner", "marker", "__os_type", "__os_bit", "__platform", "virtual_env_type",
            "__system__cmkid", "__support_xen_gpu_type", "__support_kvm_gpu_type",
        ),
        _exact,
    ),
    **dict.fromkeys(
        (
            "__whole_image", "__support_kvm", "__support_xen", "__support_largememory",
            "__support_diskintensive", "__support_highperformance", "__support_xen_hana",
            "__support_kvm_infiniband",
        ),
        _mark,
    ),
    "protected": _flag,
    "min_disk": _number,
    "min_ram": _number,
    "limit": _limit,
    "__imagetype": _kind,
    "__isregistered": _registered,
    "status": _status,
    "visibility": _visibility,
    "member_status": _one_of(*MEMBER_STATUSES),
    "sort_key": lambda native, name, value: _sorting(native, name, value, SORT_KEYS),
    "sort_dir": lambda native, name, value: _sorting(native, name, value, ("asc", "desc")),
    "architecture": _architecture,
    "enterprise_project_id": _enterprise_project,
    "tag": _tag,
    "created_at": _time,
    "updated_at": _time,
    "flavor_id": _flavor,
}  # fmt: skip


def _sorting(native: NativeQuery, name: str, value: str, values: tuple[str, ...]) -> None:
    if value not in values:
        raise QueryInvalid(name=name, reason=f"one of {', '.join(values)}, not '{value[:64]}'")
    native.parameters[name] = value


PARAMETERS = tuple(_FILTERS)
"""Names of all filters."""
