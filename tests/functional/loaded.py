# SPDX-License-Identifier: Apache-2.0
"""All that a Glance with ims_glance loads, for a process that forks others.

Nothing of it has looked at a configuration, connected to anything or begun a thread by then.
"""

from glance.api.v2 import router  # noqa: F401
from glance.common import wsgi_app  # noqa: F401
from glance.db.sqlalchemy import api  # noqa: F401
from stevedore import extension

from ims_glance.api.front import dispatch  # noqa: F401
from ims_glance.api.native import guard  # noqa: F401

extension.ExtensionManager[None]("glance_store.drivers")
