# SPDX-License-Identifier: Apache-2.0
"""For administrators: the workers, the jobs of all projects, and what jobs may have left behind."""
