# SPDX-License-Identifier: Apache-2.0
"""Replications: standing orders to copy images to another region as they become active."""
