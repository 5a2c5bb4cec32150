# SPDX-License-Identifier: Apache-2.0
"""Sealed images in buckets: written as they lie in their store, and opened while they are read."""
