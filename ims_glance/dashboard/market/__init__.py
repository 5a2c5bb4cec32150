# SPDX-License-Identifier: Apache-2.0
"""The panel "Image Marketplace" of a project: to find a product, and to have it."""
