# SPDX-License-Identifier: Apache-2.0
"""Image management for OpenStack on top of an unmodified Glance."""
