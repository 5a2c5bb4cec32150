# SPDX-License-Identifier: Apache-2.0
"""Logos and certificates by their first bytes."""

import random

import pytest

from ims_glance.model.market.logo import (
    MAX_LOGO,
    CertificateWrong,
    LogoWrong,
    document_type,
    media_type,
)
from tests.unit.api.ims.market_world import png


def gif(width=120, height=120):
    return b"GIF89a" + width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\0" * 8


def jpeg(width=120, height=120, marker=0xC0):
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    comment = b"\xff\xe0\x00\x04ab"
    frame = bytes((0xFF, marker)) + b"\x00\x0b\x08" + size + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + comment + b"\xff" + frame + b"\xff\xd9"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (png(), "image/png"),
        (gif(), "image/gif"),
        (jpeg(), "image/jpeg"),
        (jpeg(marker=0xC2), "image/jpeg"),
    ],
)
def test_what_is_shown(content, kind):
    assert media_type(content) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        png()[:20],
        png()[:-12] + b"\0" * 12,
        png(121),
        png(120, 2**31),
        gif(120, 119),
        gif()[:10],
        jpeg(119),
        jpeg(marker=0xC4),
        jpeg()[:14],
        b"\xff\xd8\xff\x00\x00" * 9,
        b"\xff\xd8" + b"\xff\xe0\x00\x00" * 99,
        b"<svg xmlns='http://www.w3.org/2000/svg' width='120' height='120'/>",
        png() + b"\0" * MAX_LOGO,
    ],
)
def test_what_is_not(content):
    with pytest.raises(LogoWrong):
        media_type(content)


def test_whatever_comes_is_answered():
    chance = random.Random(1)
    for start in (png()[:16], gif()[:6], jpeg()[:4], b"\xff\xd8\xff\xff"):
        for _number in range(300):
            content = start + chance.randbytes(chance.randrange(200))
            try:
                media_type(content)
            except LogoWrong as refused:
                assert "120 x 120" in str(refused)


def test_certificates_are_documents():
    assert document_type("c", b"%PDF-1.7") == "application/pdf"
    assert document_type("c", b"PK\x03\x04") == "application/zip"
    assert document_type("c", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") == "application/x-ole-storage"
    with pytest.raises(CertificateWrong, match="Certificate"):
        document_type("c.exe", b"MZ")
