# SPDX-License-Identifier: Apache-2.0
"""The figures of the documentation, measured. Not part of the test suite: nothing here can fail a test.

``python -m tests.benchmarks`` prints them as a table; with the names of some (``add``,
``put``, ``get``, ``range``, ``range-rbd``, ``memory``, ``rekey``, ``list``, ``accept``, ``copy``,
``copy-encrypted``, ``copy-memory``) only those. All but ``add`` need the pocket cloud
(``devstack/pocket up --light`` is enough).

Ratios are of two measurements side by side in one run, first one then the other, in turns: this
way what else the machine does hits both. Each figure is the median of the pairs.
"""

import sys
from pathlib import Path

# What pytest reads from pyproject.toml, and a bare Python does not: the pocket cloud's own modules.
sys.path.append(str(Path(__file__).parents[2] / "devstack"))
