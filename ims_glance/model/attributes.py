# SPDX-License-Identifier: Apache-2.0
"""Names of IMS image attributes that plain Glance keeps as image properties."""

CMK_ID = "__system__cmkid"
"""Id of the key that the image is encrypted with; absent: not encrypted (IMS image attributes)."""
