# SPDX-License-Identifier: Apache-2.0
"""What workers do for the marketplace, besides jobs."""
