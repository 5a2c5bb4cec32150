# SPDX-License-Identifier: Apache-2.0
"""Whole machines in buckets: exported with all their disks."""
