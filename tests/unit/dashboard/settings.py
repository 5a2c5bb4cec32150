# SPDX-License-Identifier: Apache-2.0
"""Horizon's settings for tests, with the console in it."""

from openstack_dashboard import enabled
from openstack_dashboard.test.settings import *
from openstack_dashboard.test.settings import HORIZON_CONFIG, INSTALLED_APPS
from openstack_dashboard.utils import settings as utils

import ims_glance.dashboard.enabled

for name in ("dashboards", "default_dashboard"):
    HORIZON_CONFIG.pop(name, None)
utils.update_dashboards([ims_glance.dashboard.enabled, enabled], HORIZON_CONFIG, INSTALLED_APPS)
COMPRESS_ENABLED = False
# Those of Horizon were there already.
INSTALLED_APPS = list(dict.fromkeys(INSTALLED_APPS))
