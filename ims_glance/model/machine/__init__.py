# SPDX-License-Identifier: Apache-2.0
"""Whole machines as they are exported, and what an image keeps of itself on that way."""
