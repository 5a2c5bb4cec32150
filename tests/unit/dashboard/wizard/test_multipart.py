# SPDX-License-Identifier: Apache-2.0
import io

import pytest
from django.http.multipartparser import MultiPartParserError

from ims_glance.dashboard.wizard import multipart

FIELD = b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\nvalue\r\n'
FILE = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.raw"\r\n\r\n'
END = b"\r\n--edge--\r\n"


def read(body, length=None):
    source = io.BytesIO(body)
    fields, files = multipart.UntilFile().handle_raw_input(
        source, {}, len(body) if length is None else length, b"edge"
    )
    return source, fields, files.get("file")


def test_the_fields_are_there_before_the_file_is_read():
    data = bytes(8 << 20)
    source, fields, file = read(FIELD % b"token" + FILE + data + END)
    assert fields["token"] == "value"
    assert file.name == "a.raw"
    assert source.tell() <= 2 << 20
    assert b"".join(file.part(len(data))) == data
    assert not file.has_more()


def test_it_is_read_part_by_part():
    data = b"0123456789" * 7
    _source, _fields, file = read(FILE + data + END)
    assert [b"".join(file.part(30)) for _each in range(4)] == [
        data[:30],
        data[30:60],
        data[60:],
        b"",
    ]
    assert file.size == len(data)


def test_what_looks_like_its_end_is_not():
    data = b"\r\n--edg\r\n--other\r\n"
    _source, _fields, file = read(FILE + data + END)
    assert b"".join(file.part(100)) == data


def test_a_form_that_ends_too_early():
    whole = FILE + b"data" + END
    _source, _fields, file = read(whole, len(whole) + 1)
    with pytest.raises(multipart.BrokenOff):
        list(file.part(100))


def test_a_form_without_a_file():
    _source, fields, file = read(FIELD % b"name" + b"--edge--\r\n")
    assert fields["name"] == "value"
    assert file is None


def test_fields_without_end():
    with pytest.raises(MultiPartParserError, match="too many fields"):
        read(FIELD % b"name" * 30 + FILE + b"data" + END)
