# SPDX-License-Identifier: Apache-2.0
"""Barbican's API as a WSGI application.

Barbican's own module reads its pipeline from a path below ``/etc`` that is fixed in the code. This
one takes it from the environment, so that two clouds on one machine do not share it.
"""

import os

from paste import deploy

application = deploy.loadapp(f"config:{os.environ['POCKET_BARBICAN_PASTE']}")
