# SPDX-License-Identifier: Apache-2.0
"""Steps that make a guest ready, each for itself: none needs that another was done."""
