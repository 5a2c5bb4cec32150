# SPDX-License-Identifier: Apache-2.0
"""Backups of servers: all disks as they were at one instant."""
