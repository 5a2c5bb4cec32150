# SPDX-License-Identifier: Apache-2.0
"""Copies between regions, as the region that receives them makes them."""
