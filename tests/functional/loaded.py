# SPDX-License-Identifier: Apache-2.0
"""All that a Glance with ims_glance loads, for a process that forks others.

Nothing of it has looked at a configuration, connected to anything or begun a thread by then.
"""

import gc
import importlib

from stevedore import extension

_MODULES = (
    "glance.api.v2.router",
    "glance.common.wsgi_app",
    "glance.db.sqlalchemy.api",
    "ims_glance.api.front.dispatch",
    "ims_glance.api.native.guard",
)

# What is loaded stays: nobody looks for garbage among it, neither here nor in what is forked.
gc.disable()
for module in _MODULES:
    importlib.import_module(module)
extension.ExtensionManager[None]("glance_store.drivers")
gc.freeze()
gc.enable()
