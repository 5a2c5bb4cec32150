# SPDX-License-Identifier: Apache-2.0
"""Images: their attributes, and what may be done to which."""
