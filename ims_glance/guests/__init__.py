# SPDX-License-Identifier: Apache-2.0
"""Systems on the disks of images: they are looked at, and made ready."""
