# SPDX-License-Identifier: Apache-2.0
"""What a logo and a certificate are by their first bytes. Nothing of them is decoded.

Logos are what browsers show and nothing can be hidden in: PNG, JPEG, GIF. (An SVG runs programs.)
"""

from ims_glance import exceptions

SIDE = 120
"""Width and height of a logo; pixels (KooGallery)."""
MAX_LOGO = 128 * 1024
"""Bytes of a logo."""

_PNG, _GIFS, _JPEG = b"\x89PNG\r\n\x1a\n", (b"GIF87a", b"GIF89a"), b"\xff\xd8\xff"
# Markers of JPEG that begin a frame, which has the size: not DHT, JPG and DAC, which lie between.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_DOCUMENTS = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
)


class LogoWrong(exceptions.Invalid):
    """A logo is none that can be shown."""

    template = (
        "The logo: {reason}. It is a PNG, JPEG or GIF of 120 x 120 pixels and 128 KiB at most."
    )


class CertificateWrong(exceptions.Invalid):
    """A certificate is no document."""

    template = (
        "Certificate '{name}' is neither a PDF, a document of an office program, nor a ZIP file."
    )


def media_type(content: bytes) -> str:
    """The media type of a logo.

    :raises LogoWrong: if it is none
    """
    if len(content) > MAX_LOGO:
        raise LogoWrong(reason=f"it has {len(content)} bytes")
    found = _png(content) or _gif(content) or _jpeg(content)
    if found is None:
        raise LogoWrong(reason="it is none of these, or it is damaged")
    kind, width, height = found
    if (width, height) != (SIDE, SIDE):
        raise LogoWrong(reason=f"it has {width} x {height} pixels")
    return kind


def document_type(name: str, content: bytes) -> str:
    """The media type of a certificate.

    :raises CertificateWrong: if it is no document
    """
    for start, kind in _DOCUMENTS:
        if content.startswith(start):
            return kind
    raise CertificateWrong(name=name)


def _png(content: bytes) -> tuple[str, int, int] | None:
    # The first chunk is IHDR, of 13 bytes; the last one is IEND, which is empty.
    if not content.startswith(_PNG + b"\x00\x00\x00\x0dIHDR") or b"IEND" not in content[-12:]:
        return None
    size = content[16:24]
    return "image/png", int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big")


def _gif(content: bytes) -> tuple[str, int, int] | None:
    if not content.startswith(_GIFS) or len(content) < 14:
        return None
    width, height = content[6:8], content[8:10]
    return "image/gif", int.from_bytes(width, "little"), int.from_bytes(height, "little")


def _jpeg(content: bytes) -> tuple[str, int, int] | None:
    if not content.startswith(_JPEG):
        return None
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in _FRAMES:
            height, width = content[place + 5 : place + 7], content[place + 7 : place + 9]
            return "image/jpeg", int.from_bytes(width, "big"), int.from_bytes(height, "big")
        if marker == 0xFF or marker in _ALONE:
            place += 1 if marker == 0xFF else 2
            continue
        # A segment's length counts its own two bytes, so that each step leads on.
        place += 2 + max(2, int.from_bytes(content[place + 2 : place + 4], "big"))
    return None
