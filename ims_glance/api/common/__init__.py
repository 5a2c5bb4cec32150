# SPDX-License-Identifier: Apache-2.0
"""What both APIs work with: images by sub-request, keys, places, accepted jobs."""
