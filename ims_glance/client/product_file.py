# SPDX-License-Identifier: Apache-2.0
"""A product as a file, in YAML or JSON: what the API takes, with paths of files in place of their content."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from osc_lib import exceptions

STEPS = ("version", "basic", "business")
_FIELDS = ("access_type", "name", "note", *STEPS)
_MAX_BYTES = 32 << 20
_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
}


def read(path: str) -> dict[str, Any]:
    """The draft that a file has.

    A logo or a certificate is a path, from the file's folder; or ``{file: PATH, kind: KIND}``; or it has
    its ``content``.

    :raises CommandError: if it cannot be read, or is none
    """
    file = Path(path)
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise exceptions.CommandError(f"{path} is larger than 32 MiB: that is no product.")
        text = file.read_text()
        draft = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise exceptions.CommandError(f"{path} cannot be read: {error}") from error
    if not isinstance(draft, dict):
        raise exceptions.CommandError(f"{path} has no fields: name, version, basic, business ...")
    basic = draft.get("basic")
    if isinstance(basic, dict):
        draft["basic"] = _with_content(basic, file.parent)
    return draft


def attached(path: str, kind: str | None = None) -> dict[str, Any]:
    """A file as the API takes it.

    :raises CommandError: if it cannot be read
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise exceptions.CommandError(f"{path} cannot be read: {error}") from error
    more = {} if kind is None else {"kind": kind}
    return {"name": Path(path).name, "content": base64.b64encode(content).decode(), **more}


def text(shown: Mapping[str, Any]) -> str:
    """A product as a file, from which the same can be made again.

    :param shown: with the content of its files
    """
    draft = {name: shown[name] for name in _FIELDS if shown.get(name) not in (None, {})}
    basic = dict(draft.get("basic") or {})
    if basic.get("logo"):
        basic["logo"] = _sent(basic["logo"])
    if basic.get("certificates"):
        basic["certificates"] = [_sent(each) for each in basic["certificates"]]
    if basic:
        draft["basic"] = basic
    return str(yaml.safe_dump(draft, sort_keys=False, allow_unicode=True))


def save(basic: Mapping[str, Any], folder: str) -> list[str]:
    """Write a product's logo and certificates to a folder; their paths.

    Their names there are ours, for those that came with them are somebody else's.

    :raises CommandError: if one cannot be written
    """
    files = [("logo", basic.get("logo"))]
    files += [
        (f"certificate-{number}", each)
        for number, each in enumerate(basic.get("certificates") or (), 1)
    ]
    written = []
    for name, file in files:
        if not file:
            continue
        path = Path(folder) / (name + _SUFFIXES.get(file.get("media_type", ""), ".bin"))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as opened:
                opened.write(base64.b64decode(file.get("content", "")))
        except OSError as error:
            raise exceptions.CommandError(f"{path} cannot be written: {error}") from error
        written.append(str(path))
    return written


def _sent(file: Mapping[str, Any]) -> dict[str, Any]:
    return {name: file[name] for name in ("name", "kind", "content") if name in file}


def _with_content(basic: dict[str, Any], folder: Path) -> dict[str, Any]:
    found = dict(basic)
    if found.get("logo") is not None:
        found["logo"] = _file(found["logo"], folder)
    if isinstance(found.get("certificates"), list):
        found["certificates"] = [_file(each, folder) for each in found["certificates"]]
    return found


def _file(given: Any, folder: Path) -> Any:
    if isinstance(given, str):
        return attached(str(folder / given))
    if isinstance(given, dict) and isinstance(given.get("file"), str):
        return attached(str(folder / given["file"]), given.get("kind"))
    return given
