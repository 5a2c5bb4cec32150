# SPDX-License-Identifier: Apache-2.0
import pytest
from django.http import QueryDict

from ims_glance.dashboard.wizard import forms, ways
from ims_glance.dashboard.wizard.chosen import Chosen, ServerDisk
from tests.unit.dashboard.wizard.neighbours import way_of

DISKS = [
    ServerDisk("v-1", "root", 3, is_system=True),
    ServerDisk("v-2", "logs", 4, is_system=False),
]


def form(kind, source, typed="name=new", disks=DISKS):
    way = way_of(kind, source)
    return forms.SettingsForm(way, Chosen({source: "s"}, "web", [], disks), [], QueryDict(typed))


@pytest.mark.parametrize("way", ways.WAYS, ids=lambda way: way.title)
def test_the_fields_are_those_of_the_way(way):
    fields = form(way.kind, way.source).fields
    assert set(way.fields) <= set(fields)
    always = {"name", "enterprise_project", "tags", "description"}
    assert set(fields) - set(way.fields) == always


def test_the_second_image_of_a_server_has_a_number():
    disks = [*DISKS, ServerDisk("v-3", "more", 5, is_system=False)]
    found = form("data", "server", f"name={'n' * 128}&disks=v-2&disks=v-3", disks)
    assert found.is_valid()
    assert [each["name"] for each in found._of_source()["data_images"]] == [
        "n" * 128,
        "n" * 126 + "-2",
    ]


def test_what_is_not_a_data_disk_of_the_server_is_not_taken():
    assert not form("data", "server", "name=new&disks=v-1").is_valid()
    assert not form("data", "server", "name=new").is_valid()


def test_the_only_data_disk_is_chosen_already():
    assert form("data", "server").fields["disks"].initial == ["v-2"]


def test_a_key_without_encryption_is_none():
    plain = form("whole", "server", "name=new&key=k")
    assert plain.is_valid()
    assert plain.key_name is None
    sealed = form("whole", "server", "name=new&key=&encrypt=on")
    assert sealed.is_valid()
    assert sealed.key_name == "ims/default"


def test_a_search_that_is_not_understood_is_none():
    assert forms.SearchForm("server", QueryDict("name=a&state=nonsense")).given == {"name": "a"}
    assert forms.SearchForm("server", QueryDict("state=ACTIVE")).given == {"state": "ACTIVE"}
