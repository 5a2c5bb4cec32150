# SPDX-License-Identifier: Apache-2.0
"""Jobs of a project: all of them, and one with its parts."""
