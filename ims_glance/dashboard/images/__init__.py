# SPDX-License-Identifier: Apache-2.0
"""The panel "Image Management" of a project."""
