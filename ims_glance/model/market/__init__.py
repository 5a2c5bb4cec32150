# SPDX-License-Identifier: Apache-2.0
"""The marketplace: products, their versions, and what buyers have of them. Pure."""
