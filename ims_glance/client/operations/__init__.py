# SPDX-License-Identifier: Apache-2.0
"""The operations of the IMS API as methods of ``conn.ims``: one module a noun."""
