# SPDX-License-Identifier: Apache-2.0
"""A module for each format: ``find`` checks how a file is built, ``runs`` tells where its disk lies.

Each of them believes nothing that a file says: tables lie inside of it and do not overlap, what is
expanded has the size that it should have, and each loop is bounded by the size of the disk or the file.
"""
