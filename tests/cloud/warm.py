# SPDX-License-Identifier: Apache-2.0
"""What the warm process has imported, from which commands and workers are forked.

A new interpreter spends two to three seconds of a processor on the imports of Glance's and of the
client's libraries, a fork of this one none. (Imported by the fork server of :mod:`forks` alone.)
"""

import pytest  # noqa: F401 - the main module of a run, which each child looks at
from pocket_cloud import warm

from tests.cloud import worker_process  # noqa: F401

warm.load()
