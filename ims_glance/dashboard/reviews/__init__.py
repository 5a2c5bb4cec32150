# SPDX-License-Identifier: Apache-2.0
"""Versions of products that wait for a reviewer: in the administrators' dashboard, and in the marketplace's panel."""
