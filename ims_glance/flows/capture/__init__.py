# SPDX-License-Identifier: Apache-2.0
"""Images, and backups, made of the disks of servers."""
