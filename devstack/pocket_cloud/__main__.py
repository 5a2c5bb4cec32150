# SPDX-License-Identifier: Apache-2.0
"""``devstack/pocket``."""

import sys

from pocket_cloud.cli import main

sys.exit(main())
