# SPDX-License-Identifier: Apache-2.0
"""Systems on the disks of images: what was found, what is wished, what was done, what an image says of it."""
