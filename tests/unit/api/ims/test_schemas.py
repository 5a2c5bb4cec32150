# SPDX-License-Identifier: Apache-2.0
"""Pieces of schemas: what they let through."""

import jsonschema
import pytest

from ims_glance.api.ims import schemas


def _fits(schema, value):
    return jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (schemas.UUID, ["0f6c6f3e-1d7b-4a4b-8f0e-6a1f5c1f9d3a"], ["", "x", "0" * 32, 5]),
        (schemas.PROJECT, ["0" * 32, "0f6c6f3e-1d7b-4a4b-8f0e-6a1f5c1f9d3a"], ["demo", "0" * 31]),
        (schemas.BUCKET_OBJECT, ["bucket:a/b.qcow2"], ["bucket", "b:x", "bucket:a b", "buc ket:x"]),
        (schemas.MEBIBYTES, [0, 1024, "1024"], [-1, 1.5, "x", "-1", True]),
        (schemas.ENTERPRISE_PROJECT, ["0", "0f6c6f3e-1d7b-4a4b-8f0e-6a1f5c1f9d3a"], ["", "1", "?"]),
    ],
)
def test_pieces(schema, good, bad):
    assert all(_fits(schema, value) for value in good)
    assert not any(_fits(schema, value) for value in bad)
    assert not any(_fits(schema, f"{value}\n") for value in good)


def test_parameters():
    found = schemas.parameters("a", "b", c={"type": "string", "pattern": "^x$"})
    assert list(found) == ["a", "b", "c"]
    assert found["a"] == {"type": "string"}
