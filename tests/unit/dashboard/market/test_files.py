# SPDX-License-Identifier: Apache-2.0
import base64

import pytest
from django import http

from ims_glance.dashboard.market import files


def given(content, **more):
    return {"content": base64.b64encode(content).decode(), **more}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89arest", "image/gif"),
    ],
)
def test_a_picture(content, kind):
    response = files.logo(given(content, media_type="image/svg+xml"))
    assert response["Content-Type"] == kind
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("file", [None, {}, {"content": "*"}, given(b"<svg/>"), given(b"%PDF-1.7")])
def test_no_picture(file):
    with pytest.raises(http.Http404):
        files.logo(file)


def test_a_certificate_is_saved_under_a_name_of_ours():
    named = given(b"<script>", name="a\r\nb.html", media_type="application/pdf")
    response = files.certificate(named, 2)
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == "attachment; filename=certificate-2.pdf"
    assert files.certificate(given(b"x", media_type="text/html"), 1)[
        "Content-Disposition"
    ].endswith("=certificate-1")
