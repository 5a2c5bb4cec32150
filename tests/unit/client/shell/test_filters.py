# SPDX-License-Identifier: Apache-2.0
"""Which images a list shows."""

import argparse
from types import SimpleNamespace

import pytest
from openstack import exceptions

from ims_glance.client.resources.image import Image
from ims_glance.client.shell import filters
from tests.unit.client.cloud import IMAGE_ID, OTHER


def _found(name):
    if name in ("gone", IMAGE_ID):
        raise exceptions.NotFoundException("It is gone.")
    return SimpleNamespace(id=f"id of {name}")


def sent(*arguments):
    """The query of a command line, as it is sent."""
    parser = argparse.ArgumentParser()
    filters.add(parser)
    finder = SimpleNamespace(find_image=_found)
    return Image.query(filters.query(parser.parse_args(arguments), finder, None))


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ([], {}),
        (["--name", "a b"], {"name": "a b"}),
        (["--kind", "system"], {"virtual_env_type": "FusionCompute"}),
        (["--kind", "whole"], {"__whole_image": "true"}),
        (["--type", "public"], {"__imagetype": "gold"}),
        (
            ["--os-type", "Linux", "--platform", "Ubuntu"],
            {"__os_type": "Linux", "__platform": "Ubuntu"},
        ),
        (
            ["--architecture", "arm", "--status", "active"],
            {"architecture": "arm", "status": "active"},
        ),
        (["--tag", "env=test"], {"tag": "env=test"}),
        (["--key", "k"], {"__system__cmkid": "k"}),
        (["--member-status", "pending"], {"member_status": "pending", "visibility": "shared"}),
        (["--visibility", "public"], {"visibility": "public"}),
        (["--owner", OTHER], {"owner": OTHER}),
        (["--marker", "mine"], {"marker": "id of mine"}),
        (["--marker", IMAGE_ID], {"marker": IMAGE_ID}),
        (["--sort", "name"], {"sort_key": "name", "sort_dir": "asc"}),
        (["--sort", "size:desc"], {"sort_key": "size", "sort_dir": "desc"}),
    ],
)
def test_what_is_sent(arguments, query):
    assert sent(*arguments) == query


def test_a_list_after_an_image_that_is_not_known_by_that_name():
    with pytest.raises(exceptions.NotFoundException):
        sent("--marker", "gone")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--limit", "0"],
        ["--limit", "many"],
        ["--sort", "colour"],
        ["--sort", "name:up"],
        ["--kind", "huge"],
    ],
)
def test_what_is_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        sent(*arguments)
    assert arguments[0] in capsys.readouterr().err
