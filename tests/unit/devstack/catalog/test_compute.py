# SPDX-License-Identifier: Apache-2.0
import configparser
import subprocess

import pytest
from pocket_cloud import actions, template
from pocket_cloud.catalog import compute
from pocket_cloud.cloud import CHECKOUT

NOVA = {service.name: service for service in compute.NOVA}


@pytest.fixture
def configuration(cloud):
    template.write(cloud.venv / "etc" / "nova" / "api-paste.ini", "")
    actions.write_files(cloud, NOVA["nova-compute"])
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(cloud.path("etc", "nova", "nova.conf"))
    return parser


def test_every_service_of_nova_is_restarted_when_its_file_changes():
    assert {name for name, service in NOVA.items() if "nova/nova.conf" in service.files} == {
        "nova-api", "nova-conductor", "nova-scheduler", "nova-compute",
    }  # fmt: skip


def test_only_nova_compute_sees_libvirt_s_folders():
    assert [name for name, service in NOVA.items() if service.is_private] == ["nova-compute"]


def test_a_snapshot_inherits_what_the_devstack_plugin_lets_it(configuration):
    """Both installations have to keep the same properties back."""
    script = """
        define_plugin() { :; }
        plugin_requires() { :; }
        . devstack/settings
        echo "$IMS_GLANCE_NOT_INHERITED"
    """
    shell = subprocess.run(
        ["bash", "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    properties = configuration["DEFAULT"]["non_inheritable_image_properties"].split(",")
    assert properties == ["cache_in_nova", "bittorrent", *shell.stdout.strip().split(",")]


def test_servers_come_back(configuration):
    assert configuration["DEFAULT"]["resume_guests_state_on_host_boot"] == "true"


def test_the_hypervisor_is_what_was_found(cloud, configuration):
    assert configuration["libvirt"]["virt_type"] == "qemu"
    cloud.remember(virt_type="kvm")
    actions.write_files(cloud, NOVA["nova-compute"])
    configuration.read(cloud.path("etc", "nova", "nova.conf"))
    assert configuration["libvirt"]["virt_type"] == "kvm"
