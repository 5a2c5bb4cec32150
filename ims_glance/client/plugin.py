# SPDX-License-Identifier: Apache-2.0
"""What openstackclient asks of a plugin (entry point ``openstack.cli.extension``)."""

import argparse
from typing import Any

from osc_lib import utils

from ims_glance.client import service

API_NAME = "ims"
API_VERSION_OPTION = "os_ims_api_version"
DEFAULT_API_VERSION = "1"
API_VERSIONS = ("1",)


def make_client(instance: Any) -> Any:
    """The service for the commands: ``client_manager.ims``."""
    return service.register(instance.sdk_connection).ims


def build_option_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the plugin's global options."""
    parser.add_argument(
        "--os-ims-api-version",
        metavar="<ims-api-version>",
        default=utils.env("OS_IMS_API_VERSION", default=DEFAULT_API_VERSION),
        help=f"IMS API version, default={DEFAULT_API_VERSION} (Env: OS_IMS_API_VERSION)",
    )
    return parser
