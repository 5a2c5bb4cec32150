# SPDX-License-Identifier: Apache-2.0
"""Images made of other images of the region."""
